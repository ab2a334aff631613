import wgsl from "../../../../kernels/wgsl/add_rms_norm.wgsl";
import { rowwise } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { reducing, rowPresets } from "../rowwise.js";
import { rmsNorm } from "./rms-norm.js";

/** A residual and the norm behind it: `x`, `residual`, `sum` and `y` are `[rows width]`, `weight` is `[width]`. */
export const addRmsNorm = defineKernel({
  name: "add_rms_norm",
  formula: "sum = x + residual; y = sum / sqrt(mean(sum^2) + eps) * weight, over each row. Zhang and Sennrich, 2019",
  params: rmsNorm.params,
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    residual: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    weight: { role: "input", element: "f32", shape: ({ width }) => [width] },
    sum: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
    y: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
  },
  variants: reducing(wgsl),
  presets: rowPresets,
  launches: ({ rows, width }, choice) =>
    rowwise(
      { name: "rows", rows, widths: { x: width, residual: width, sum: width, y: width }, groups: (n) => n },
      choice,
    ),
  reference(params, { x = [], residual = [], weight = [] }) {
    const sum = Float64Array.from(x, (n, i) => n + residual[i]!);
    return { sum, ...rmsNorm.reference(params, { x: sum, weight }) };
  },
  tolerance: ({ width }) => ({
    abs: 2e-6,
    rel: 4e-6 + (width / 64) * 6e-8,
    why: "one float32 rounding of each sum, a sum of their squares, an inverse square root of 2 ulp, and two products",
  }),
  work: ({ rows, width }) => ({ bytes: 4 * width * (4 * rows + 1), flops: 5 * rows * width }),
  cases: {
    ...rmsNorm.cases,
    make(sizes, random) {
      const { params, inputs } = rmsNorm.cases.make(sizes, random);
      return { params, inputs: { ...inputs, residual: random.numbers(params.rows * params.width) } };
    },
  },
});
