import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import type { InputWarning } from "../input/warning.js";
import { type ClipSource, type SamplingOptions, sampled } from "./source.js";

/** A multi-frame picture: what is used of a `DicomImage`. */
export interface Cine<W> {
  readonly header: {
    readonly rows: number;
    readonly columns: number;
    /** Seconds since the first frame. */
    readonly frameTimes?: readonly number[];
  };
  readonly frames: number;
  readonly warnings: readonly InputWarning[];
  picture(frame: number, options?: { readonly window?: W }): Promise<{ readonly image: RgbImage }>;
}

export interface CineOptions<W> extends SamplingOptions {
  /** For frames of grey. Default: the file's. */
  readonly window?: W;
  /** Frames per second, where the file does not say, or says it wrongly. */
  readonly videoFps?: number;
  readonly limits?: InputLimits;
}

/**
 * A DICOM file of several frames as a clip: sampled by the rule for files, each frame decoded when it is asked for. The
 * times are the file's, where it gives some: its frames need not be evenly spaced.
 * @throws ProcessorError `video-sampling` where `fps`, `start` or `end` is asked for and neither the file nor `videoFps`
 *   says how fast the frames follow; `video-frames`, `input-too-large`
 */
export function cineSource<W>(image: Cine<W>, options: CineOptions<W> = {}): ClipSource {
  const { header, frames: total } = image;
  const times = options.videoFps === undefined ? header.frameTimes : undefined;
  const videoFps = options.videoFps ?? rateOf(times);
  const timed = [options.fps, options.start, options.end].some((value) => value !== undefined);
  if (videoFps === undefined && timed)
    throw new ProcessorError("video-sampling", "the file does not say how fast its frames follow: give videoFps");
  const { maxFrames } = inputLimits(options.limits);
  const { indices, timestamps } = sampled({ total, videoFps: videoFps ?? 1 }, options, maxFrames);
  return {
    kind: "video",
    count: indices.length,
    width: header.columns,
    height: header.rows,
    indices,
    ...(videoFps !== undefined && { timestamps: times ? indices.map((i) => times[i]!) : timestamps, videoFps }),
    total,
    codec: "dicom",
    warnings: image.warnings,
    async *frames({ signal } = {}) {
      for (const index of indices) {
        signal?.throwIfAborted();
        const { window } = options;
        yield (await image.picture(index, window === undefined ? {} : { window })).image;
      }
    },
  };
}

/** Frames per second on average; `undefined` where there are no times, or all are the same. */
function rateOf(times: readonly number[] | undefined): number | undefined {
  const last = times?.at(-1) ?? 0;
  return last > 0 ? (times!.length - 1) / last : undefined;
}
