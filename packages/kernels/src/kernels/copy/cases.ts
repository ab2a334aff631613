import type { Cases } from "../../cases.js";
import type { Params } from "../../kernel.js";
import type { Random } from "../../random.js";
import type { CopyParam } from "./launches.js";

/** Words of all kinds, as 32 bits without a sign. */
export const words = (random: Random, count: number): Uint32Array =>
  Uint32Array.from(random.whole(count, -(2 ** 31), 2 ** 31 - 1));

/**
 * Axes a to f in the order of y. In x they lie in an order of their own, some of them repeated; in y there may be more around
 * them, which must stay.
 */
export const copyCases: Cases<CopyParam, "x" | "y"> = {
  sizes: { a: [0, 4], b: [1, 4], c: [1, 3], d: [1, 4], e: [1, 5], f: [1, 6], gap: [0, 3], repeat: [0, 1] },
  always: [
    { a: 0, b: 2, c: 1, d: 1, e: 1, f: 1, gap: 0, repeat: 0 },
    { a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, gap: 2, repeat: 0 },
    { a: 1, b: 1, c: 1, d: 1, e: 1, f: 257, gap: 0, repeat: 0 },
    { a: 1, b: 1, c: 1, d: 1, e: 65, f: 64, gap: 1, repeat: 0 },
    { a: 3, b: 2, c: 3, d: 2, e: 3, f: 2, gap: 1, repeat: 1 },
  ],
  exact: true,
  make({ a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, gap = 0, repeat = 0 }, random) {
    const sizes = [a, b, c, d, e, f];
    const [from = 0, to = 0] = random.whole(2, 0, gap);
    const repeated = sizes.map(() => repeat === 1 && random.unit() < 0.4);
    const s = strides(shuffled([0, 1, 2, 3, 4, 5], random), sizes, repeated, 0);
    const t = strides([0, 1, 2, 3, 4, 5], sizes, [], gap);
    const count = sizes.reduce((n, size) => n * size, 1);
    const end = (steps: readonly number[]) => sizes.reduce((n, size, i) => n + (size - 1) * steps[i]!, 1);
    const size = count === 0 ? to + gap : to + end(t) + gap;
    const params = { count, from, to, size, ...numbered("d", sizes), ...numbered("s", s), ...numbered("t", t) };
    return {
      params: params as Params<CopyParam>,
      inputs: { x: words(random, count === 0 ? 0 : from + end(s)), y: words(random, size) },
    };
  },
  bench: {
    "axes in another order, as many as 1024 rows of 7B": {
      a: 1,
      b: 1,
      c: 1,
      d: 1024,
      e: 28,
      f: 128,
      gap: 0,
      repeat: 0,
    },
  },
};

/** Strides of axes that lie in this order, the last of it the fastest, each with `gap` more elements behind it. */
function strides(order: readonly number[], sizes: readonly number[], repeated: readonly boolean[], gap: number) {
  const out = sizes.map(() => 0);
  let step = 1;
  for (const axis of order.toReversed()) {
    if (repeated[axis]) continue;
    out[axis] = step;
    step = step * sizes[axis]! + gap;
  }
  return out;
}

function shuffled(order: readonly number[], random: Random): number[] {
  const out = [...order];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random.unit() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

const numbered = (letter: string, values: readonly number[]) =>
  Object.fromEntries(values.map((value, i) => [`${letter}${i}`, value]));
