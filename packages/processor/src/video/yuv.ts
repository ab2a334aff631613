import type { RgbImage } from "../image/rgb.js";
import { preciseRgb, type YuvFactors } from "./yuv-precise.js";

/** Which numbers turn luma and colour differences into red, green and blue. */
export type YuvMatrix = "bt601" | "bt709" | "fcc" | "smpte240m" | "bt2020";

/** A frame as it was decoded: 8-bit planes, tightly packed, Y first, then U, then V. */
export interface YuvFrame {
  readonly data: Uint8Array;
  /** Pixels of Y. */
  readonly width: number;
  readonly height: number;
  readonly layout: YuvLayout;
  /** What the file says; BT.601 where it says nothing, as ffmpeg takes it. */
  readonly matrix: YuvMatrix;
  /** 0..255 (true) or 16..235 for luma and 16..240 for colour. */
  readonly fullRange: boolean;
}

/** Subsampling: halved in both directions, in x, or not at all. */
export type YuvLayout = "4:2:0" | "4:2:2" | "4:4:4";

/** Bytes of all three planes. */
export function yuvBytes(width: number, height: number, layout: YuvLayout): number {
  const chroma = chromaSize(width, height, layout);
  return width * height + 2 * chroma.width * chroma.height;
}

/** Sides of U and V; an odd side is rounded up. */
export function chromaSize(width: number, height: number, layout: YuvLayout): { width: number; height: number } {
  return {
    width: layout === "4:4:4" ? width : (width + 1) >> 1,
    height: layout === "4:2:0" ? (height + 1) >> 1 : height,
  };
}

/** The shares of red and of blue in luma. Source: ITU-R BT.601, BT.709, BT.2020; FCC Title 47 73.682; SMPTE 240M. */
const SHARES: Readonly<Record<YuvMatrix, readonly [red: number, blue: number]>> = {
  bt601: [0.299, 0.114],
  bt709: [0.2126, 0.0722],
  fcc: [0.3, 0.11],
  smpte240m: [0.212, 0.087],
  bt2020: [0.2627, 0.0593],
};

/**
 * RGB of a decoded frame as libswscale gives it. It has two ways, and so has this. Frames of 4:4:4, and those of which both
 * sides are odd, are computed precisely (`preciseRgb`, equal to its within a step). Of all others each colour sample is
 * spread over the pixels that share it, with the arithmetic of its vector code on x86, to the bit: products of 16-bit
 * integers, rounded down to whole steps, then added and clipped.
 */
export function yuvToRgb(frame: YuvFrame): RgbImage {
  const { width, height, layout, matrix, fullRange } = frame;
  const precise = layout === "4:4:4" || (width % 2 === 1 && height % 2 === 1);
  return precise ? preciseRgb(frame, chromaSize(width, height, layout), factors(matrix, fullRange)) : quickRgb(frame);
}

function quickRgb({ data, width, height, layout, matrix, fullRange }: YuvFrame): RgbImage {
  const { luma, vRed, uGreen, vGreen, uBlue } = tables(matrix, fullRange);
  const chroma = chromaSize(width, height, layout);
  const uFrom = width * height;
  const vFrom = uFrom + chroma.width * chroma.height;
  const shiftY = layout === "4:2:0" ? 1 : 0;
  // Writing clips to 0..255.
  const out = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, at = 0, to = 0; y < height; y++) {
    let u = uFrom + (y >> shiftY) * chroma.width;
    let v = u + vFrom - uFrom;
    for (let end = at + width; at < end; u++, v++) {
      const red = vRed[data[v]!]!;
      const green = uGreen[data[u]!]! + vGreen[data[v]!]!;
      const blue = uBlue[data[u]!]!;
      for (const next = Math.min(at + 2, end); at < next; at++, to += 3) {
        const light = luma[data[at]!]!;
        out[to] = light + red;
        out[to + 1] = light + green;
        out[to + 2] = light + blue;
      }
    }
  }
  return { data: new Uint8Array(out.buffer), width, height };
}

/** Factors are times 2^16. */
function factors(matrix: YuvMatrix, fullRange: boolean): YuvFactors {
  const [red, blue] = SHARES[matrix];
  const green = 1 - red - blue;
  // Colour of 16..240 spans 224 steps. Of the full range it is taken as that, less the excess, in whole numbers.
  const scaled = (factor: number) => {
    const limited = Math.round((factor * 65536 * 255) / 224);
    return fullRange ? Math.trunc((limited * 224) / 255) : limited;
  };
  return {
    luma: fullRange ? 65536 : Math.trunc((65536 * 255) / 219),
    black: fullRange ? 0 : 16,
    vRed: scaled(2 - 2 * red),
    uBlue: scaled(2 - 2 * blue),
    uGreen: -scaled(((2 - 2 * blue) * blue) / green),
    vGreen: -scaled(((2 - 2 * red) * red) / green),
  };
}

/** What each stored byte adds to a colour. */
function tables(matrix: YuvMatrix, fullRange: boolean) {
  const { luma, black, vRed, uBlue, uGreen, vGreen } = factors(matrix, fullRange);
  return {
    luma: products(luma, black),
    vRed: products(vRed, 128),
    uBlue: products(uBlue, 128),
    uGreen: products(uGreen, 128),
    vGreen: products(vGreen, 128),
  };
}

/** (stored - zero) * factor / 2^16: the stored value times 8, the factor to 13 bits, of the product the high 16 bits. */
function products(factor: number, zero: number): Int16Array {
  const rounded = Math.floor(factor / 8 + 0.5);
  return Int16Array.from({ length: 256 }, (_, stored) => ((stored - zero) * 8 * rounded) >> 16);
}
