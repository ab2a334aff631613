import wgsl from "../../../../kernels/wgsl/reduce.wgsl";
import { rowwise } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { opName } from "../layout.js";
import { reducing, rowPresets } from "../rowwise.js";

/** What `op` means. */
export const reduceOps = { sum: 0, max: 1 } as const;

/** Shorter rows are for one thread each: a workgroup would mostly wait. */
const SHORT = 32;

/**
 * An axis folded away. What is made of a NaN by `max` is the device's business: a compiler may take it that there are none.
 */
export const reduce = defineKernel({
  name: "reduce",
  formula: "y[o, i] = the sum, or the largest, of x[o, j, i] over all j; of none, 0 or -infinity",
  params: {
    outer: { type: "u32", about: "the product of the axes before the one that goes" },
    width: { type: "u32", about: "numbers that become one" },
    inner: { type: "u32", about: "the product of the axes behind" },
    op: { type: "u32", about: "one of reduceOps" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ outer, width, inner }) => [outer, width, inner] },
    y: { role: "output", element: "f32", shape: ({ outer, inner }) => [outer, inner] },
  },
  variants: reducing(wgsl),
  presets: rowPresets,
  launches({ outer, width, inner, op }, { preset, limits }) {
    opName("reduce", reduceOps, op);
    const own = inner === 1 && width > SHORT;
    const groups = (rows: number) => (own ? rows : Math.ceil((rows * inner) / preset.invocations));
    const widths = { x: width * inner, y: inner };
    return rowwise({ name: "outer", rows: outer, widths, groups }, { limits }).map((launch) => ({
      ...launch,
      entry: own ? "rows" : "columns",
    }));
  },
  reference({ outer, width, inner, op }, { x = [] }) {
    const y = new Float64Array(outer * inner).fill(op === reduceOps.sum ? 0 : Number.NEGATIVE_INFINITY);
    for (let o = 0, at = 0; o < outer; o++)
      for (let j = 0; j < width; j++)
        for (let i = 0, to = o * inner; i < inner; i++, to++, at++)
          y[to] = op === reduceOps.sum ? y[to]! + x[at]! : Math.max(y[to]!, x[at]!);
    return { y };
  },
  tolerance: ({ width, op }) =>
    op === reduceOps.max
      ? { abs: 0, rel: 0, why: "one of the numbers" }
      : {
          abs: 2e-7 * width * Math.sqrt(width),
          rel: 0,
          why: "each of width additions is within 6e-8 of a sum so far, which is about 2 sqrt(width) for numbers up to 2",
        },
  work: ({ outer, width, inner }) => ({ bytes: 4 * outer * inner * (width + 1), flops: outer * inner * width }),
  cases: {
    sizes: { outer: [0, 5], width: [0, 300], inner: [0, 5], op: [0, 1] },
    always: [0, 1].flatMap((op) => [
      { outer: 3, width: 0, inner: 2, op },
      { outer: 2, width: 1, inner: 1, op },
      { outer: 3, width: 33, inner: 1, op },
      { outer: 2, width: 255, inner: 1, op },
      { outer: 2, width: 513, inner: 1, op },
      { outer: 2, width: 40, inner: 130, op },
    ]),
    exact: true,
    make: ({ outer = 1, width = 1, inner = 1, op = 0 }, random) => {
      const x = random.numbers(outer * width * inner);
      // Below every number a kernel might begin with, and a row of nothing else.
      if (op === reduceOps.max) x.fill(Number.NEGATIVE_INFINITY, 0, width * inner);
      return { params: { outer, width, inner, op }, inputs: { x } };
    },
    bench: {
      "rows of scores, 28 heads": { outer: 28 * 1024, width: 1024, inner: 1, op: 1 },
      "windows of patches": { outer: 1024, width: 4, inner: 1152, op: 0 },
    },
  },
});
