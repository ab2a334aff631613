import { ProcessorError } from "../errors.js";
import { checkRgb, type RgbImage } from "./rgb.js";

/**
 * Which pass runs first; the bytes between the passes are rounded, so it shows. `pillow13`: the vertical one where the
 * height shrinks by more than twice the pixels that the width does (a width that grows shrinks by less than none), else
 * the horizontal one. `pillow11`: always the horizontal one (Pillow 11 and 12). Source: Pillow pull request 9549.
 */
export type PassOrder = "pillow13" | "pillow11";

const PRECISION_BITS = 32 - 8 - 2;
const SUPPORT = 2;
const A = -0.5;

/**
 * Pillow's antialiased bicubic `resize`, byte for byte: coefficients in float64, normalised, rounded to fixed point with
 * 22 bits; one pass per axis, each rounded and clipped to uint8.
 * Source: R. Keys, "Cubic convolution interpolation" (1981), a = -0.5; Pillow, "Concepts: filters" and `Resample.c`.
 * @throws ProcessorError `image-shape`, `image-size` (a target that is not a positive integer).
 */
export function resizeBicubic(
  image: RgbImage,
  size: { readonly width: number; readonly height: number },
  options: { readonly passOrder?: PassOrder } = {},
): RgbImage {
  checkRgb(image);
  const { width, height } = size;
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new ProcessorError(
      "image-size",
      `cannot resize to ${width} x ${height}: both sides must be positive integers`,
    );
  }
  const verticalFirst = options.passOrder !== "pillow11" && shrinksMoreInHeight(image, size);
  if (verticalFirst) return horizontal(vertical(image, height), width);
  return vertical(horizontal(image, width), height);
}

function shrinksMoreInHeight(from: RgbImage, to: { readonly width: number; readonly height: number }): boolean {
  const lost = from.height - to.height;
  return lost > 0 && lost > 2 * (from.width - to.width);
}

/** For each output sample: the first input sample it reads, and the weights from there on, fixed point. */
interface Kernel {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** [output, `stride`]. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((A + 2) * d - (A + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * A;
  return 0;
}

function kernel(inSize: number, outSize: number): Kernel {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * stride);
  const row = new Float64Array(stride);
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const from = Math.max(Math.trunc(center - support + 0.5), 0);
    const to = Math.min(Math.trunc(center + support + 0.5), inSize);
    let sum = 0;
    for (let k = from; k < to; k++) {
      const w = cubic((k - center + 0.5) * (1 / filterScale));
      row[k - from] = w;
      sum += w;
    }
    for (let k = 0; k < to - from; k++) {
      const w = (row[k]! / sum) * 2 ** PRECISION_BITS;
      weights[i * stride + k] = Math.trunc(w < 0 ? w - 0.5 : w + 0.5);
    }
    first[i] = from;
    count[i] = to - from;
  }
  return { first, count, weights, stride };
}

function clip8(fixed: number): number {
  const v = fixed >> PRECISION_BITS;
  return v < 0 ? 0 : Math.min(v, 255);
}

function horizontal(image: RgbImage, width: number): RgbImage {
  if (width === image.width) return image;
  const { data, height } = image;
  const { first, count, weights, stride } = kernel(image.width, width);
  const out = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * image.width * 3;
    for (let x = 0; x < width; x++, to += 3) {
      let r = 1 << (PRECISION_BITS - 1);
      let g = r;
      let b = r;
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

function vertical(image: RgbImage, height: number): RgbImage {
  if (height === image.height) return image;
  const { data, width } = image;
  const { first, count, weights, stride } = kernel(image.height, height);
  const length = width * 3;
  const out = new Uint8Array(length * height);
  const sum = new Int32Array(length);
  for (let y = 0; y < height; y++) {
    sum.fill(1 << (PRECISION_BITS - 1));
    for (let k = 0; k < count[y]!; k++) {
      const w = weights[y * stride + k]!;
      const row = (first[y]! + k) * length;
      for (let i = 0; i < length; i++) sum[i] = sum[i]! + data[row + i]! * w;
    }
    for (let i = 0; i < length; i++) out[y * length + i] = clip8(sum[i]!);
  }
  return { data: out, width, height };
}
