import { ProcessorError } from "../errors.js";
import { checkRgb, type RgbImage } from "../image/rgb.js";

/**
 * A picture, a volume or a clip as the frames that the model is shown, read as they are asked for: no more than a few are
 * in memory at a time. How many there are is known before the first, because the size of all depends on it.
 */
export interface FrameSource {
  /** A volume's slices carry no time, even where there is one of them. */
  readonly kind: "image" | "volume" | "video";
  /** Frames that {@link frames} gives. */
  readonly count: number;
  /** Pixels of the first frame, whose size decides for all. */
  readonly width: number;
  readonly height: number;
  /** Seconds since the clip's begin, one per frame. */
  readonly timestamps?: readonly number[];
  /**
   * The frames in order. It can be called again, and gives the same ones.
   * @throws ProcessorError where the file turns out to be broken
   */
  frames(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<RgbImage>;
}

/**
 * Frames that are in memory already.
 * @throws ProcessorError `video-frames` where there is none, or not one timestamp per frame; `image-shape`.
 */
export function frameSource(
  images: readonly RgbImage[],
  { kind = "video", timestamps }: { readonly kind?: FrameSource["kind"]; readonly timestamps?: readonly number[] } = {},
): FrameSource {
  const [first] = images;
  if (first === undefined) throw new ProcessorError("video-frames", "there is no frame");
  images.forEach((image, i) => {
    checkRgb(image, `frame ${i}`);
  });
  if (timestamps !== undefined && timestamps.length !== images.length)
    throw new ProcessorError("video-frames", `${images.length} frames have ${timestamps.length} timestamps`);
  return {
    kind,
    count: images.length,
    width: first.width,
    height: first.height,
    ...(timestamps && { timestamps }),
    async *frames({ signal } = {}) {
      for (const image of images) {
        signal?.throwIfAborted();
        yield image;
      }
    },
  };
}
