import wgsl from "../../../../kernels/wgsl/layer_norm.wgsl";
import { rowwise } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { reducing, rowPresets } from "../rowwise.js";

/** One workgroup a row. `x` and `y` are `[rows width]`, `weight` and `bias` are `[width]`. */
export const layerNorm = defineKernel({
  name: "layer_norm",
  formula: "y = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * weight + bias, over each row. Ba et al., 2016",
  params: {
    rows: { type: "u32", about: "how many rows" },
    width: { type: "u32", about: "numbers in a row" },
    eps: { type: "f32", about: "added to the variance" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    weight: { role: "input", element: "f32", shape: ({ width }) => [width] },
    bias: { role: "input", element: "f32", shape: ({ width }) => [width] },
    y: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
  },
  variants: reducing(wgsl),
  presets: rowPresets,
  launches: ({ rows, width }, choice) =>
    rowwise({ name: "rows", rows, widths: { x: width, y: width }, groups: (n) => n }, choice),
  reference({ rows, width, eps }, { x = [], weight = [], bias = [] }) {
    const y = new Float64Array(rows * width);
    for (let at = 0; at < rows * width; at += width) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += x[at + i]!;
      const mean = sum / width;
      let squares = 0;
      for (let i = 0; i < width; i++) squares += (x[at + i]! - mean) ** 2;
      const scale = 1 / Math.sqrt(squares / width + eps);
      for (let i = 0; i < width; i++) y[at + i] = (x[at + i]! - mean) * scale * weight[i]! + bias[i]!;
    }
    return { y };
  },
  tolerance: ({ width }) => ({
    abs: 5e-6,
    rel: 4e-6 + (width / 64) * 6e-8,
    why: "float32 sums, an inverse square root of 2 ulp, products, and a bias that may cancel them",
  }),
  work: ({ rows, width }) => ({ bytes: 4 * width * (2 * rows + 2), flops: 8 * rows * width }),
  cases: {
    sizes: { rows: [0, 3], width: [1, 600], far: [0, 1] },
    always: [
      { rows: 1, width: 1, far: 0 },
      { rows: 7, width: 3, far: 0 },
      { rows: 3, width: 255, far: 0 },
      { rows: 3, width: 256, far: 1 },
      { rows: 2, width: 257, far: 1 },
    ],
    exact: false,
    make({ rows = 1, width = 1, far = 0 }, random) {
      // Far from 0 the mean is off by a part of what the numbers differ by, and their squares have no digit left of that.
      const x = random.numbers(rows * width).map((n) => n + far * 2 ** 20);
      const [weight, bias] = [random.numbers(width), random.numbers(width)];
      return { params: { rows, width, eps: width < 9 ? 0.5 : 1e-6 }, inputs: { x, weight, bias } };
    },
    bench: { "vision tokens": { rows: 1024, width: 1152, far: 0 } },
  },
});
