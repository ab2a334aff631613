// The pairs of a head that rotary positions turn, in plain numbers.

/** Where both numbers of pair `i` lie, counted over heads of `dim` numbers one behind the other. */
export function pairOf(i: number, dim: number, interleaved: number): readonly [number, number] {
  const half = dim / 2;
  const [head, j] = [Math.floor(i / half) * dim, i % half];
  return interleaved === 0 ? [head + j, head + j + half] : [head + 2 * j, head + 2 * j + 1];
}

/** Turn one pair of `x` by an angle, into `y`. */
export function rotated(
  y: Float64Array,
  x: ArrayLike<number>,
  [first, second]: readonly [number, number],
  [cos, sin]: readonly [number, number],
): void {
  const [a, b] = [x[first]!, x[second]!];
  y[first] = a * cos - b * sin;
  y[second] = b * cos + a * sin;
}
