const PRECISION_BITS = 32 - 8 - 2;
const SUPPORT = 2;
const A = -0.5;

/** For each output sample: the first input sample that it reads, how many, and their weights, fixed point. */
export interface Kernel {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** [output, `stride`]. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** Keys' cubic, a = -0.5, as Pillow writes it down. */
export function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((A + 2) * d - (A + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * A;
  return 0;
}

/** Pillow's weights of one axis: float64, normalised, rounded to fixed point with 22 bits. */
export function kernel(inSize: number, outSize: number): Kernel {
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
