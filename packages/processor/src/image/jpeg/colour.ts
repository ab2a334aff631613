import type { FrameHeader, Tables } from "../../dicom/codec/jpeg/headers.js";

export type JpegColour = "grey" | "rgb" | "ycc" | "cmyk" | "ycck";

/** What the components are; undefined for a transform that there is not. Source: `default_decompress_parms` of libjpeg. */
export function colourOfJpeg({ components }: FrameHeader, { jfif, adobe }: Tables): JpegColour | undefined {
  switch (components.length) {
    case 1:
      return "grey";
    case 3: {
      if (jfif) return "ycc";
      if (adobe !== undefined) return adobe === 0 ? "rgb" : adobe === 1 ? "ycc" : undefined;
      return String.fromCharCode(...components.map(({ id }) => id)) === "RGB" ? "rgb" : "ycc";
    }
    case 4:
      if (adobe === undefined || adobe === 0) return "cmyk";
      return adobe === 2 ? "ycck" : undefined;
    default:
      return undefined;
  }
}

/** Two to the 16th of a factor, rounded, as libjpeg has it. */
const fix = (factor: number) => Math.floor(factor * 65_536 + 0.5);
const HALF = 32_768;
const chroma = (of: (x: number) => number) => Int32Array.from({ length: 256 }, (_, i) => of(i - 128));
const RED = chroma((x) => (fix(1.402) * x + HALF) >> 16);
const BLUE = chroma((x) => (fix(1.772) * x + HALF) >> 16);
const GREEN_RED = chroma((x) => -fix(0.71414) * x);
const GREEN_BLUE = chroma((x) => -fix(0.34414) * x + HALF);

/** YCbCr (with K behind them where `samples` is 4) to RGB, in place. Source: jdcolor.c of libjpeg. */
export function yccToRgb(data: Uint8ClampedArray, samples: 3 | 4): void {
  for (let i = 0; i < data.length; i += samples) {
    const y = data[i]!;
    const [cb, cr] = [data[i + 1]!, data[i + 2]!];
    data[i] = y + RED[cr]!;
    data[i + 1] = y + ((GREEN_BLUE[cb]! + GREEN_RED[cr]!) >> 16);
    data[i + 2] = y + BLUE[cb]!;
  }
}

/**
 * Inks to RGB as Pillow has it, without a profile: `(255 - k) - ink * (255 - k) / 255`, rounded.
 * @param inks cyan, magenta, yellow, black of each pixel; 255 is full ink
 */
export function cmykToRgb(inks: Uint8Array): Uint8Array {
  const out = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4, to += 3) {
    const white = 255 - inks[from + 3]!;
    for (let c = 0; c < 3; c++) {
      const t = inks[from + c]! * white + 128;
      out[to + c] = white - (((t >> 8) + t) >> 8);
    }
  }
  return out;
}
