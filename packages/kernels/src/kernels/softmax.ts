import wgsl from "../../../../kernels/wgsl/softmax.wgsl";
import { rowwise } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { reducing, rowPresets } from "../rowwise.js";

/**
 * One workgroup a row; `x` and `y` are `[rows width]`. A number that is more than 100 below the largest of its row counts
 * nothing; a row of nothing but -infinity has no softmax, and gives anything.
 */
export const softmax = defineKernel({
  name: "softmax",
  formula: "y = exp(x - max(x)) / sum(exp(x - max(x))), over each row. Bridle, 1989",
  params: {
    rows: { type: "u32", about: "how many rows" },
    width: { type: "u32", about: "numbers in a row" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    y: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
  },
  variants: reducing(wgsl),
  presets: rowPresets,
  launches: ({ rows, width }, choice) =>
    rowwise({ name: "rows", rows, widths: { x: width, y: width }, groups: (n) => n }, choice),
  reference({ rows, width }, { x = [] }) {
    const y = new Float64Array(rows * width);
    for (let at = 0; at < rows * width; at += width) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < width; i++) largest = Math.max(largest, x[at + i]!);
      let sum = 0;
      for (let i = 0; i < width; i++) sum += y[at + i] = Math.exp(x[at + i]! - largest);
      for (let i = 0; i < width; i++) y[at + i]! /= sum;
    }
    return { y };
  },
  tolerance: ({ width }) => ({
    abs: 1e-37,
    rel: 2e-5 + (width / 64) * 6e-8,
    why: "WGSL allows exp 3 + 2 |x| ulp, 83 at the 40 that cases reach; then a float32 sum, and a quotient of 2.5 ulp",
  }),
  work: ({ rows, width }) => ({ bytes: 8 * rows * width, flops: 5 * rows * width }),
  cases: {
    sizes: { rows: [0, 3], width: [1, 600], spread: [0, 5], masked: [0, 1], high: [0, 1] },
    always: [
      { rows: 1, width: 1, spread: 1, masked: 0, high: 0 },
      { rows: 7, width: 3, spread: 1, masked: 0, high: 0 },
      { rows: 3, width: 255, spread: 0, masked: 1, high: 0 },
      { rows: 3, width: 256, spread: 5, masked: 0, high: 1 },
      { rows: 2, width: 257, spread: 1, masked: 1, high: 0 },
    ],
    exact: false,
    make({ rows = 1, width = 1, spread = 1, masked = 0, high = 0 }, random) {
      // At 1000, exp alone is beyond float32.
      const x = random.numbers(rows * width).map((n) => n * spread + high * 1000);
      // Masks are written so; the last of a row stays, so that none is left with nothing.
      if (masked === 1) for (let i = 0; i < x.length; i += 3) if (i % width < width - 1) x[i] = -1e30;
      return { params: { rows, width }, inputs: { x } };
    },
    bench: { "a frame's attention": { rows: 16 * 1024, width: 1024, spread: 1, masked: 0, high: 0 } },
  },
});
