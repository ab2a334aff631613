import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import { linspaceInts } from "../image/round.js";

/** The frames of a clip or of a volume; seconds since the clip's begin where they were taken from a clip. */
export interface Frames {
  readonly frames: readonly RgbImage[];
  readonly timestamps?: readonly number[];
}

/** The most frames that the repository's code takes from a video, and that the checkpoints' own processor takes. */
export const MAX_FRAMES = Object.freeze({ repository: 768, hf: 128 });

/** The frame rate that the released code takes a GIF to have. */
export const GIF_FPS = 25;

export interface ClipSampling {
  /** Frames in the whole video. */
  readonly total: number;
  /** Frames per second of the video. */
  readonly videoFps: number;
  /** Frames per second wanted; all frames where absent. */
  readonly fps?: number | null;
  readonly maxFrames?: number | null;
  /** Seconds, inclusive. */
  readonly start?: number | null;
  /** Seconds, exclusive. */
  readonly end?: number | null;
}

export interface SampledFrames {
  readonly indices: readonly number[];
  /** Seconds since the video's begin: index / videoFps. */
  readonly timestamps: readonly number[];
}

/**
 * Which frames of a video are shown to the model, as the released code picks them: every `int(videoFps / fps)`-th from
 * start to end; where that is more than `maxFrames`, a linspace over the whole range instead. A clip cut out (start and
 * end given) to less than 1 s goes through {@link sampleSequence}. A range that holds no frame gives empty lists.
 * @throws ProcessorError `video-sampling` for values out of range.
 */
export function sampleClip(clip: ClipSampling): SampledFrames {
  const { total, videoFps, fps, maxFrames, start, end } = checked(clip);
  if (start !== undefined && end !== undefined && end - start < 1) return sampleSequence(clip);
  const from = start === undefined ? 0 : Math.trunc(start * videoFps);
  const to = end === undefined ? total : Math.min(Math.trunc(end * videoFps), total);
  const step = fps === undefined ? 1 : Math.max(1, Math.trunc(videoFps / fps));
  const count = Math.max(0, Math.ceil((to - from) / step));
  const indices =
    maxFrames !== undefined && count > maxFrames
      ? linspaceInts(from, to - 1, maxFrames)
      : Array.from({ length: count }, (_, i) => from + i * step);
  return { indices, timestamps: indices.map((i) => i / videoFps) };
}

/**
 * The other sampler of the released code, for folders of frames, GIFs ({@link GIF_FPS}) and clips under 1 s: where `fps`
 * is given and the sequence lasts less than `maxFrames` seconds, the middle of every segment of
 * `min(videoFps // fps, total)` frames; else all frames, or a linspace of `maxFrames`. A range is counted from one frame
 * earlier than in {@link sampleClip}, both ends inclusive.
 * @throws ProcessorError `video-sampling` for values out of range.
 */
export function sampleSequence(sequence: ClipSampling): SampledFrames {
  const { total, videoFps, fps, maxFrames = Number.POSITIVE_INFINITY, start, end } = checked(sequence);
  const from = start === undefined ? 0 : Math.max(Math.trunc(start * videoFps) - 1, 0);
  const to = end === undefined ? total - 1 : Math.min(Math.trunc(end * videoFps) - 1, total - 1);
  const count = Math.max(0, to - from + 1);
  const indices = sequenceIndices(count, videoFps, fps, maxFrames).map((i) => from + i);
  return { indices, timestamps: indices.map((i) => i / videoFps) };
}

function sequenceIndices(total: number, videoFps: number, fps: number | undefined, maxFrames: number): number[] {
  if (fps !== undefined && total / videoFps < maxFrames) {
    const segment = Math.max(1, Math.min(Math.floor(videoFps / fps), total));
    const first = Math.floor(segment / 2);
    return Array.from({ length: Math.max(0, Math.ceil((total - first) / segment)) }, (_, i) => first + i * segment);
  }
  if (total <= maxFrames) return Array.from({ length: total }, (_, i) => i);
  return linspaceInts(0, total - 1, maxFrames);
}

interface Checked {
  readonly total: number;
  readonly videoFps: number;
  readonly fps: number | undefined;
  readonly maxFrames: number | undefined;
  readonly start: number | undefined;
  readonly end: number | undefined;
}

function checked(clip: ClipSampling): Checked {
  const need = (good: boolean, what: string) => {
    if (!good) throw new ProcessorError("video-sampling", `${what}`);
  };
  const { total, videoFps } = clip;
  const fps = clip.fps ?? undefined;
  const maxFrames = clip.maxFrames ?? undefined;
  const start = clip.start ?? undefined;
  const end = clip.end ?? undefined;
  need(Number.isSafeInteger(total) && total >= 0, "total must be an integer of at least 0");
  need(Number.isFinite(videoFps) && videoFps > 0, "videoFps must be positive");
  need(fps === undefined || (Number.isFinite(fps) && fps > 0), "fps must be positive");
  need(
    maxFrames === undefined || (Number.isSafeInteger(maxFrames) && maxFrames >= 1),
    "maxFrames must be a positive integer",
  );
  need(
    start === undefined || (Number.isFinite(start) && start >= 0),
    "start must be a number of seconds of at least 0",
  );
  need(end === undefined || (Number.isFinite(end) && end >= 0), "end must be a number of seconds of at least 0");
  return { total, videoFps, fps, maxFrames, start, end };
}
