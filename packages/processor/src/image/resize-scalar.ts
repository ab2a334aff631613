import type { Kernel } from "./kernel.js";
import type { RgbImage } from "./rgb.js";

const POINT = 22;
const HALF = 1 << (POINT - 1);

/** One pass of a resize: a picture of another width, or of another height. */
export interface Passes {
  horizontal(image: RgbImage, width: number, kernel: Kernel): RgbImage;
  vertical(image: RgbImage, height: number, kernel: Kernel): RgbImage;
}

/** The passes in plain JavaScript: what they mean, and what runs where WebAssembly does not. */
export const scalarPasses: Passes = { horizontal, vertical };

function clip8(fixed: number): number {
  const v = fixed >> POINT;
  return v < 0 ? 0 : Math.min(v, 255);
}

function horizontal(image: RgbImage, width: number, { first, count, weights, stride }: Kernel): RgbImage {
  const { data, height } = image;
  const out = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * image.width * 3;
    for (let x = 0; x < width; x++, to += 3) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      const n = count[x]!;
      for (let k = 0, from = row + first[x]! * 3, at = x * stride; k < n; k++, from += 3, at++) {
        const w = weights[at]!;
        r += data[from]! * w;
        g += data[from + 1]! * w;
        b += data[from + 2]! * w;
      }
      out[to] = clip8(r);
      out[to + 1] = clip8(g);
      out[to + 2] = clip8(b);
    }
  }
  return { data: out, width, height };
}

function vertical(image: RgbImage, height: number, { first, count, weights, stride }: Kernel): RgbImage {
  const { data, width } = image;
  const length = width * 3;
  const out = new Uint8Array(length * height);
  const sum = new Int32Array(length);
  for (let y = 0; y < height; y++) {
    sum.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const w = weights[y * stride + k]!;
      const row = (first[y]! + k) * length;
      for (let i = 0; i < length; i++) sum[i] = sum[i]! + data[row + i]! * w;
    }
    for (let i = 0; i < length; i++) out[y * length + i] = clip8(sum[i]!);
  }
  return { data: out, width, height };
}
