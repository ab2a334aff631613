/** Python's `round(x)` for x >= 0: ties go to the even integer. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const part = x - low;
  if (part !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** numpy's `linspace(start, stop, count)` truncated to int. `count` >= 0, `start` and `stop` >= 0. */
export function linspaceInts(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return Math.trunc(start);
    return Math.trunc(i === count - 1 ? stop : i * step + start);
  });
}
