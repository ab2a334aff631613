/** An array of the interpreter: float64 whatever the element type means, bool as 0 and 1, row-major. */
export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export const array = (shape: readonly number[], data: Float64Array = new Float64Array(count(shape))): Array64 => ({
  shape,
  data,
});

/** How far apart neighbours along each axis lie. */
export function strides(shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    result[i] = step;
    step *= shape[i]!;
  }
  return result;
}

/** Read `x` in the order of `shape`, each axis walked with its own step (0 repeats). */
export function walk(x: Array64, shape: readonly number[], steps: readonly number[], start = 0): Array64 {
  const out = array(shape);
  if (out.data.length === 0) return out;
  const at = new Array<number>(shape.length).fill(0);
  let from = start;
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = x.data[from]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      from += steps[d]!;
      if (++at[d]! < shape[d]!) break;
      from -= steps[d]! * shape[d]!;
      at[d] = 0;
    }
  }
  return out;
}
