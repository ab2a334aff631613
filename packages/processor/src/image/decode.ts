import { ProcessorError } from "../errors.js";
import { inNode } from "../platform.js";
import { bmpDecoder } from "./bmp.js";
import type { DecodedFrames, Grey16Rule, ImageDecoder } from "./decoder.js";
import { jpegDecoder } from "./jpeg.js";
import { MAX_PIXELS } from "./limits.js";
import { pngDecoder } from "./png.js";
import type { RgbImage } from "./rgb.js";
import { sharpDecoder } from "./sharp.js";
import { sniffImage } from "./sniff.js";
import { webDecoder } from "./web.js";

export interface DecodeOptions {
  /** The most pixels a picture (all frames together) may have, checked against its header. Default {@link MAX_PIXELS}. */
  readonly maxPixels?: number;
  /** Default `"high-byte"`: a picture that Pillow 13 turns white is useless; ask for `"clip"` to equal it. */
  readonly grey16?: Grey16Rule;
  /**
   * The first of them that reads the format does. Default: {@link bmpDecoder}, then in Node {@link sharpDecoder}, in a page
   * {@link pngDecoder}, {@link jpegDecoder} and {@link webDecoder}.
   */
  readonly decoders?: readonly ImageDecoder[];
}

/**
 * Reads a picture file as Pillow's `Image.open(f).convert("RGB")` does: first frame, alpha dropped (not blended),
 * palettes expanded, EXIF orientation and ICC profile not applied.
 * @throws ProcessorError `image-format` (not PNG, JPEG, WebP, GIF, TIFF or BMP), `image-decoder-missing` (sharp is not
 *   installed), `image-too-large`, `image-corrupt` (truncated or broken), `image-unsupported`.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const { frames } = await decode(bytes, options, true);
  return frames[0]!;
}

/** All frames of an animation (GIF), else the one picture; otherwise as {@link decodeImage}. */
export async function decodeFrames(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedFrames> {
  return decode(bytes, options, false);
}

async function decode(bytes: Uint8Array, options: DecodeOptions, firstOnly: boolean): Promise<DecodedFrames> {
  const format = sniffImage(bytes);
  if (format === undefined) {
    const what = bytes.length === 0 ? "the file is empty" : "the first bytes match no known picture format";
    throw new ProcessorError("image-format", `${what}; PNG, JPEG, WebP, GIF, TIFF and BMP are read`);
  }
  const decoders = options.decoders ?? [
    bmpDecoder,
    ...(inNode() ? [sharpDecoder] : [pngDecoder, jpegDecoder, webDecoder]),
  ];
  const decoder = decoders.find((d) => d.formats.includes(format));
  if (decoder === undefined) throw new ProcessorError("image-unsupported", `no decoder given reads ${format}`);
  const { maxPixels = MAX_PIXELS, grey16 = "high-byte" } = options;
  const decoded = await decoder.decode(bytes, format, { maxPixels, grey16, firstOnly });
  if (decoded.frames.length === 0) throw new ProcessorError("image-corrupt", `${format}: the file holds no frame`);
  return decoded;
}
