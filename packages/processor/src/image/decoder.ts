import { ProcessorError } from "../errors.js";
import type { RgbImage } from "./rgb.js";
import type { ImageFormat } from "./sniff.js";

/** How a 16-bit grey sample becomes 8 bits: its high byte, or Pillow 13's rule, which clips everything above 255 to white. */
export type Grey16Rule = "high-byte" | "clip";

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
