import { ProcessorError } from "../errors.js";
import { MAX_PIXELS } from "../image/limits.js";
import { type RgbImage, toRgb } from "../image/rgb.js";
import { isVideoFrame, type VideoFrameLike, videoFrameImage } from "./video-frame.js";

/** Samples that somebody holds, `data[(y * width + x) * channels + channel]`: grey, grey and alpha, RGB, RGBA. */
export interface Samples {
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array | Float32Array;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** 1 to 4. Where absent, the length of `data` tells it. */
  readonly channels?: number;
}

/** What a picture may be given as: samples (an `ImageData` is such), an `ImageBitmap` or a `VideoFrame`. */
export type PictureInput = Samples | ImageBitmap | VideoFrameLike;

export interface PictureOptions {
  /**
   * Which samples are black and white, for data of 16 bits and of floats; between them is scaled and rounded, beyond them
   * clipped, and NaN is black. They must be said: nothing in such data tells what its largest value means.
   */
  readonly range?: readonly [black: number, white: number];
}

/**
 * A picture that somebody holds already, as RGB. Alpha is dropped, not blended. Nothing is drawn on a canvas: that would
 * destroy the colours wherever alpha is not full.
 * @throws ProcessorError `image-shape` where sides, channels and data do not fit together; `image-unsupported` for a bitmap
 *   or frame with alpha (its colours are multiplied), for 16-bit or float samples without a `range`, and for what is none of
 *   these; `image-too-large` (over 178,956,970 pixels).
 */
export async function pictureOf(input: PictureInput, options: PictureOptions = {}): Promise<RgbImage> {
  if (typeof input !== "object" || input === null) throw unknown();
  if (isVideoFrame(input)) return videoFrameImage(input);
  if (isBitmap(input)) return bitmapImage(input);
  if ("data" in input && "width" in input && "height" in input) return samplesImage(input as Samples, options);
  throw unknown();
}

const unknown = () =>
  new ProcessorError("image-unsupported", "a picture is { data, width, height }, an ImageBitmap or a VideoFrame");

const isBitmap = (input: object): input is ImageBitmap =>
  typeof ImageBitmap === "function" && input instanceof ImageBitmap;

/** Through a frame, which keeps the numbers; a bitmap with alpha has lost them when it was made. */
async function bitmapImage(bitmap: ImageBitmap): Promise<RgbImage> {
  if (typeof VideoFrame !== "function")
    throw new ProcessorError("image-unsupported", "this browser has no VideoFrame to read an ImageBitmap with");
  if (bitmap.width === 0) throw new ProcessorError("image-shape", "the ImageBitmap is closed already");
  const frame = new VideoFrame(bitmap, { timestamp: 0 });
  try {
    return await videoFrameImage(frame as VideoFrameLike);
  } finally {
    frame.close();
  }
}

function samplesImage({ data, width, height, channels }: Samples, { range }: PictureOptions): RgbImage {
  const sides = Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0;
  if (!sides) throw new ProcessorError("image-shape", "width and height must be positive integers");
  const pixels = width * height;
  if (pixels > MAX_PIXELS)
    throw new ProcessorError("image-too-large", `${width} x ${height} is over the limit of ${MAX_PIXELS} pixels`);
  const kinds = [Uint8Array, Uint8ClampedArray, Uint16Array, Float32Array];
  if (!kinds.some((kind) => data instanceof kind))
    throw new ProcessorError("image-shape", "data must be 8-bit, 16-bit or float samples in a typed array");
  const found = channels ?? data.length / pixels;
  if (![1, 2, 3, 4].includes(found) || data.length !== pixels * found)
    throw new ProcessorError(
      "image-shape",
      `${width} x ${height} pixels of 1 to 4 channels do not make ${data.length} samples`,
    );
  return { data: toRgb(bytesOf(data, range), width, height, found), width, height };
}

/** Samples as 8 bits. */
function bytesOf(data: Samples["data"], range: PictureOptions["range"]): Uint8Array {
  if (range === undefined) {
    if (data instanceof Uint8Array) return data;
    if (data instanceof Uint8ClampedArray) return new Uint8Array(data.buffer, data.byteOffset, data.length);
    const what = data instanceof Uint16Array ? "16-bit samples" : "float samples";
    throw new ProcessorError("image-unsupported", `${what} need a range: [black, white]`);
  }
  const [black, white] = range;
  if (!Number.isFinite(black) || !Number.isFinite(white) || black === white)
    throw new ProcessorError("image-unsupported", "a range is two different numbers: [black, white]");
  // Writing rounds to the nearest (ties to even) and clips; NaN becomes 0.
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) out[i] = ((data[i]! - black) / (white - black)) * 255;
  return new Uint8Array(out.buffer);
}
