import wgsl from "../../../../kernels/wgsl/rms_norm.wgsl";
import { rowwise } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { reducing, rowPresets } from "../rowwise.js";

/** One workgroup a row. `x` and `y` are `[rows width]`, `weight` is `[width]`. */
export const rmsNorm = defineKernel({
  name: "rms_norm",
  formula: "y = x / sqrt(mean(x^2) + eps) * weight, over each row. Zhang and Sennrich, 2019",
  params: {
    rows: { type: "u32", about: "how many rows" },
    width: { type: "u32", about: "numbers in a row" },
    eps: { type: "f32", about: "added to the mean square" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    weight: { role: "input", element: "f32", shape: ({ width }) => [width] },
    y: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
  },
  variants: reducing(wgsl),
  presets: rowPresets,
  launches: ({ rows, width }, choice) =>
    rowwise({ name: "rows", rows, widths: { x: width, y: width }, groups: (n) => n }, choice),
  reference({ rows, width, eps }, { x = [], weight = [] }) {
    const y = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++) {
      let squares = 0;
      for (let i = 0; i < width; i++) squares += x[row * width + i]! ** 2;
      const scale = 1 / Math.sqrt(squares / width + eps);
      for (let i = 0; i < width; i++) y[row * width + i] = x[row * width + i]! * scale * weight[i]!;
    }
    return { y };
  },
  tolerance: ({ width }) => ({
    abs: 1e-6,
    rel: 4e-6 + (width / 64) * 6e-8,
    why: "a float32 sum of squares, an inverse square root of 2 ulp, and two products",
  }),
  work: ({ rows, width }) => ({ bytes: 4 * width * (2 * rows + 1), flops: 4 * rows * width }),
  cases: {
    sizes: { rows: [0, 3], width: [1, 600] },
    always: [
      { rows: 1, width: 1 },
      { rows: 7, width: 3 },
      { rows: 3, width: 255 },
      { rows: 3, width: 256 },
      { rows: 2, width: 257 },
    ],
    exact: false,
    make: ({ rows = 1, width = 1 }, random) => ({
      params: { rows, width, eps: width < 9 ? 0.5 : 1e-6 },
      inputs: { x: random.numbers(rows * width), weight: random.numbers(width) },
    }),
    bench: { "prefill, 7B": { rows: 1024, width: 3584 }, "decode, 7B": { rows: 1, width: 3584 } },
  },
});
