import type { Random } from "../random.js";

/**
 * Rows to choose from: about so many different values, so that some are equal, both zeros among them, and here and there a NaN
 * or an infinity. Now and then a row has nothing that can be chosen.
 */
export function logits(random: Random, rows: number, width: number, values: number): Float32Array {
  const x = Float32Array.from(random.whole(rows * width, -values, values), (v) => v / 8);
  for (let row = 0; row < rows; row++) {
    const own = x.subarray(row * width, (row + 1) * width);
    const hopeless = random.unit() < 0.1;
    for (let i = 0; i < width; i++) {
      const draw = random.unit();
      if (own[i] === 0 && draw < 0.5) own[i] = -0;
      if (hopeless ? draw < 0.5 : draw < 0.02) own[i] = Number.NaN;
      else if (hopeless || draw > 0.98) own[i] = Number.NEGATIVE_INFINITY;
      else if (draw > 0.9799) own[i] = Number.POSITIVE_INFINITY;
    }
  }
  return x;
}
