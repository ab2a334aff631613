/** A plain array with axes, for definitions that are written out index by index. */
export interface Nd {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Fill an array from its indices. */
export function nd(shape: readonly number[], f: (...at: number[]) => number): Nd {
  const count = shape.reduce((n, d) => n * d, 1);
  const data = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const index: number[] = [];
    for (let d = shape.length - 1, rest = i; d >= 0; d--) {
      index.unshift(rest % (shape[d] as number));
      rest = Math.floor(rest / (shape[d] as number));
    }
    data[i] = f(...index);
  }
  return { shape, data };
}

/** The element at an index. */
export function at({ shape, data }: Nd, ...index: readonly number[]): number {
  let offset = 0;
  for (const [d, size] of shape.entries()) {
    const i = index[d] as number;
    if (!(i >= 0 && i < size)) throw new RangeError(`index ${index.join(" ")} of an array [${shape.join(" ")}]`);
    offset = offset * size + i;
  }
  return data[offset] as number;
}

/** The sum of f over 0 .. n-1. */
export function total(n: number, f: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += f(i);
  return sum;
}

/** The largest difference; NaN where there is one, or the lengths differ. */
export function maxAbs(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Number.NaN;
    most = Math.max(most, difference);
  }
  return most;
}

/** How far two arrays may lie apart: `abs + rel * |wanted|`, and why. */
export interface Bound {
  readonly abs: number;
  readonly rel: number;
  readonly why: string;
}

export interface Difference {
  readonly maxAbs: number;
  /** Where the bound is passed the most. */
  readonly at: number;
  readonly got: number;
  readonly wanted: number;
}

/** What is wrong with `got`, in one sentence, or nothing: another shape, a number that is none, or one out of bounds. */
export function differs(got: Nd, wanted: Nd, bound: Pick<Bound, "abs" | "rel">): string | undefined {
  if (got.shape.join(" ") !== wanted.shape.join(" "))
    return `the shape is [${got.shape.join(" ")}], it should be [${wanted.shape.join(" ")}]`;
  if (got.data.length !== wanted.data.length)
    return `there are ${got.data.length} numbers, there should be ${wanted.data.length}`;
  const worst = largestDifference(got.data, wanted.data, bound);
  if (worst === undefined) return undefined;
  return `at ${worst.at} of [${got.shape.join(" ")}]: ${worst.got}, it should be ${worst.wanted} (bound ${bound.abs} + ${bound.rel} x)`;
}

/** The worst place at which two arrays part by more than the bound, if there is one. */
export function largestDifference(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  bound: Pick<Bound, "abs" | "rel">,
): Difference | undefined {
  let worst: Difference | undefined;
  let excess = 0;
  for (let i = 0; i < wanted.length; i++) {
    const [g, w] = [got[i] as number, wanted[i] as number];
    // Equal infinities part by nothing, and two NaN agree; otherwise NaN is as far off as can be.
    if (g === w || (Number.isNaN(g) && Number.isNaN(w))) continue;
    const distance = Number.isNaN(g - w) ? Number.POSITIVE_INFINITY : Math.abs(g - w);
    const over = distance - (bound.abs + bound.rel * Math.abs(w));
    if (over > excess || (over > 0 && worst === undefined)) {
      excess = over;
      worst = { maxAbs: distance, at: i, got: g, wanted: w };
    }
  }
  return worst;
}
