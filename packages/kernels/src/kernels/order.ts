import type { Random } from "../random.js";

/**
 * Rows to choose from: about so many different values, so that some are equal; far apart or as near as floats are, above zero
 * or not, both zeros among them, and here and there a NaN or an infinity. Now and then a row has nothing that can be chosen.
 */
export function logits(random: Random, rows: number, width: number, values: number): Float32Array {
  const x = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const [near, below, hopeless] = [random.unit() < 0.3, random.unit() < 0.3, random.unit() < 0.1];
    for (const [i, whole] of random.whole(width, -values, values).entries()) {
      const value = near ? 1 + whole * 2 ** -23 : whole / 8;
      const zero = random.unit() < 0.5 ? -0 : 0;
      const plain = value === 0 ? zero : below ? -Math.abs(value) : value;
      x[row * width + i] = odd(random.unit(), hopeless) ?? plain;
    }
  }
  return x;
}

function odd(draw: number, hopeless: boolean): number | undefined {
  if (draw < (hopeless ? 0.5 : 0.02)) return Number.NaN;
  if (hopeless || draw > 0.98) return Number.NEGATIVE_INFINITY;
  return draw > 0.9799 ? Number.POSITIVE_INFINITY : undefined;
}
