import { defined } from "../defined.js";
import { ProcessorError } from "../errors.js";
import type { FrameSource } from "../input/frame-source.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import type { InputWarning } from "../input/warning.js";
import { type ClipSampling, MAX_FRAMES, type SampledFrames, sampleClip } from "./sampling.js";
import type { YuvFrame } from "./yuv.js";

/** See {@link VideoOptions.limits}. */
const MAX_CLIP_PIXELS = 2 ** 25;

/** Limits with their defaults for clips. @throws ProcessorError `input-limit` */
export const clipLimits = (given: InputLimits = {}): Required<InputLimits> =>
  inputLimits({ maxPixels: MAX_CLIP_PIXELS, ...given });

/** Which frames of a clip are shown to the model. */
export interface SamplingOptions {
  /** Whose limit of frames counts: 768 of the repository's code (default), 128 of the code that travels with checkpoints. */
  readonly rule?: keyof typeof MAX_FRAMES;
  /** Frames per second wanted. All where absent, up to the limit. */
  readonly fps?: number | undefined;
  /** Another limit of frames than the rule's. */
  readonly maxFrames?: number | undefined;
  /** Seconds, inclusive. */
  readonly start?: number | undefined;
  /** Seconds, exclusive. */
  readonly end?: number | undefined;
}

export interface VideoOptions extends SamplingOptions {
  /**
   * `maxFrames` of these is the most frames that may be shown, whatever was asked for. `maxPixels` is 2^25 for clips (8K), if
   * it is not given: a decoder holds many frames at once.
   */
  readonly limits?: InputLimits;
  /**
   * What becomes of a frame that the decoder could only guess: `"refuse"` (default) throws, `"conceal"` shows the guess.
   * A clip whose file is cut is read up to the cut, with the warning `partial`.
   */
  readonly damage?: "refuse" | "conceal";
  /** Node: the program to use. Default: `HULU_FFMPEG`, ffmpeg on PATH, the package @ffmpeg-installer/ffmpeg. */
  readonly ffmpeg?: string | undefined;
  /** Node: seconds that ffmpeg may be silent. Default 30. */
  readonly timeout?: number;
  /** GIFs: what the frames' times are. `"released"` (default): number / 25; `"file"`: from the delays of the file. */
  readonly gifTimes?: "released" | "file";
  readonly signal?: AbortSignal | undefined;
}

/** A clip whose frames are decoded as they are asked for. */
export interface ClipSource extends FrameSource {
  readonly kind: "video";
  /** The numbers of the frames that are shown, of {@link total}. */
  readonly indices: readonly number[];
  /** Frames of the whole clip. */
  readonly total: number;
  /** Frames per second of the clip, on average, where that is known. */
  readonly videoFps?: number;
  /** How its pictures are compressed, as ffmpeg or the browser names it. */
  readonly codec: string;
  readonly warnings: readonly InputWarning[];
}

/** A clip out of a file. */
export interface VideoSource extends ClipSource {
  readonly videoFps: number;
  /** Seconds since the clip's begin, one per frame: its number / {@link videoFps}. */
  readonly timestamps: readonly number[];
  /**
   * When the file shows each of them: seconds on its own clock, which may begin after 0 and need not run evenly. The model is
   * told {@link timestamps}, as the released code does it. Undefined where the file does not say; in pages.
   */
  readonly fileTimes?: readonly number[];
  /** The same frames as the decoder gave them, where it gives 8-bit planes; else there are none. */
  planes?(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<YuvFrame>;
}

/**
 * The frames that a clip is sampled to.
 * @param sample the rule; {@link sampleClip} for files
 * @throws ProcessorError `video-sampling`, `video-frames` where the range holds none, `input-too-large`
 */
export function sampled(
  clip: { readonly total: number; readonly videoFps: number },
  options: SamplingOptions,
  limit: number,
  sample: (clip: ClipSampling) => SampledFrames = sampleClip,
): SampledFrames {
  const { rule = "repository", fps, start, end } = options;
  if (!Object.hasOwn(MAX_FRAMES, rule)) throw new ProcessorError("video-sampling", "rule must be repository or hf");
  const maxFrames = options.maxFrames ?? MAX_FRAMES[rule];
  const found = sample({ ...clip, maxFrames, ...defined({ fps, start, end }) });
  if (found.indices.length === 0)
    throw new ProcessorError("video-frames", `no frame of the clip's ${clip.total} lies in the asked range`);
  if (found.indices.length > limit)
    throw new ProcessorError(
      "input-too-large",
      `${found.indices.length} frames are over the limit of ${limit} (maxFrames of limits)`,
    );
  return found;
}
