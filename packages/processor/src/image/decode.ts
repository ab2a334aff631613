import { ProcessorError } from "../errors.js";
import { bmpDecoder } from "./bmp.js";
import type { RgbImage } from "./rgb.js";
import { sharpDecoder } from "./sharp.js";
import { type ImageFormat, sniffImage } from "./sniff.js";

/** Pillow's own error limit: twice `Image.MAX_IMAGE_PIXELS`. All frames of an animation count together. */
export const MAX_PIXELS = 178_956_970;

/** How a 16-bit grey sample becomes 8 bits: its high byte, or Pillow 13's rule, which clips everything above 255 to white. */
export type Grey16Rule = "high-byte" | "clip";

export interface DecodeOptions {
  /** The most pixels a picture (all frames together) may have, checked against its header. Default {@link MAX_PIXELS}. */
  readonly maxPixels?: number;
  /** Default `"high-byte"`: a picture that Pillow 13 turns white is useless; ask for `"clip"` to equal it. */
  readonly grey16?: Grey16Rule;
  /** The decoders to try, in order. Default: {@link bmpDecoder}, then {@link sharpDecoder}. */
  readonly decoders?: readonly ImageDecoder[];
}

/** Settings after their defaults are filled in, as a decoder sees them. */
export interface DecodeSettings {
  readonly maxPixels: number;
  readonly grey16: Grey16Rule;
  /** Only the first frame is wanted. */
  readonly firstOnly: boolean;
}

/** One way to read picture files: Node's is sharp, a browser's would be another. It holds no state. */
export interface ImageDecoder {
  readonly name: string;
  readonly formats: readonly ImageFormat[];
  /** @throws ProcessorError `image-*`; it checks the header's size against `maxPixels` before it decodes. */
  decode(bytes: Uint8Array, format: ImageFormat, settings: DecodeSettings): Promise<DecodedFrames>;
}

/** The frames of a picture file, and how long each is shown (milliseconds) when the file is an animation. */
export interface DecodedFrames {
  readonly frames: readonly RgbImage[];
  readonly delays?: readonly number[];
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
  const decoders = options.decoders ?? [bmpDecoder, sharpDecoder];
  const decoder = decoders.find((d) => d.formats.includes(format));
  if (decoder === undefined) throw new ProcessorError("image-unsupported", `no decoder given reads ${format}`);
  const { maxPixels = MAX_PIXELS, grey16 = "high-byte" } = options;
  const decoded = await decoder.decode(bytes, format, { maxPixels, grey16, firstOnly });
  if (decoded.frames.length === 0) throw new ProcessorError("image-corrupt", `${format}: the file holds no frame`);
  return decoded;
}

/** @throws ProcessorError `image-too-large`. For decoders, to be called with the sizes of the header. */
export function checkPixels(
  format: ImageFormat,
  width: number,
  height: number,
  frames: number,
  maxPixels: number,
): void {
  if (width * height * frames > maxPixels) {
    const size = frames > 1 ? `${width} x ${height} x ${frames} frames` : `${width} x ${height}`;
    throw new ProcessorError(
      "image-too-large",
      `${format}: ${size} is over the limit of ${maxPixels} pixels (maxPixels)`,
    );
  }
}
