import activation from "../../../../kernels/wgsl/lib/activation.wgsl";
import wgsl from "../../../../kernels/wgsl/swiglu.wgsl";
import { elementwise, threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { silu } from "../maths.js";

/** The gate of a decoder's MLP: `gate`, `up` and `y` are `[count]`. */
export const swiglu = defineKernel({
  name: "swiglu",
  formula: "y = gate / (1 + exp(-gate)) * up. Shazeer, GLU Variants Improve Transformer, 2020",
  params: { count: { type: "u32", about: "how many numbers" } },
  buffers: {
    gate: { role: "input", element: "f32", shape: ({ count }) => [count] },
    up: { role: "input", element: "f32", shape: ({ count }) => [count] },
    y: { role: "output", element: "f32", shape: ({ count }) => [count] },
  },
  variants: [{ name: "f32", features: [], wgsl: [activation, wgsl] }],
  presets: threadPresets,
  launches: ({ count }, choice) => elementwise(["gate", "up", "y"], count, choice),
  reference: (_, { gate = [], up = [] }) => ({ y: Float64Array.from(gate, (g, i) => silu(g) * up[i]!) }),
  tolerance: () => ({
    abs: 2e-6,
    rel: 1e-6,
    why: "WGSL allows exp 3 + 2 |x| ulp and a quotient 2.5; far below 0, where exp is loose, almost nothing is left of the gate",
  }),
  work: ({ count }) => ({ bytes: 12 * count, flops: 5 * count }),
  cases: {
    sizes: { count: [0, 600], spread: [0, 40] },
    always: [
      { count: 1, spread: 1 },
      { count: 255, spread: 1 },
      { count: 257, spread: 40 },
    ],
    exact: false,
    make: ({ count = 1, spread = 1 }, random) => ({
      params: { count },
      inputs: { gate: random.numbers(count).map((n) => n * spread), up: random.numbers(count) },
    }),
    bench: { "prefill, 7B": { count: 1024 * 18_944, spread: 1 }, "decode, 7B": { count: 18_944, spread: 1 } },
  },
});
