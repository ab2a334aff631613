import { ProcessorError } from "../errors.js";

/** An 8-bit RGB picture: `data[(y * width + x) * 3 + channel]`, rows from the top. */
export interface RgbImage {
  readonly data: Uint8Array;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** The stored samples `[y * width + x]` of a 16-bit grey picture, before their reduction to 8 bits. */
  readonly grey16?: Uint16Array;
}

/**
 * Checks a picture that came from outside.
 * @throws ProcessorError `image-shape` when a side is not a positive integer or the data has another length.
 */
export function checkRgb(image: RgbImage, where = "image"): void {
  const { data, width, height } = image;
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new ProcessorError("image-shape", `${where}: width and height must be positive integers`);
  }
  if (!(data instanceof Uint8Array) || data.length !== width * height * 3) {
    throw new ProcessorError(
      "image-shape",
      `${where}: a ${width} x ${height} RGB picture needs a Uint8Array of ${width * height * 3} bytes`,
    );
  }
}

/** `[r, g, b, r, g, b, ...]` from interleaved samples of 1 (grey), 2 (grey, alpha), 3 or 4 channels; alpha is dropped. */
export function toRgb(samples: Uint8Array, width: number, height: number, channels: number): Uint8Array {
  if (channels === 3) return samples.slice(0, width * height * 3);
  const out = new Uint8Array(width * height * 3);
  const [g, b] = channels >= 3 ? [1, 2] : [0, 0];
  for (let i = 0, from = 0, to = 0; i < width * height; i++, from += channels, to += 3) {
    out[to] = samples[from]!;
    out[to + 1] = samples[from + g]!;
    out[to + 2] = samples[from + b]!;
  }
  return out;
}
