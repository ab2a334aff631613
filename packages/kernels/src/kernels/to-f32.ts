import wgsl from "../../../../kernels/wgsl/to_f32.wgsl";
import { elementwise, threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";

/** Whole numbers, or 0 and 1 for false and true, as floats. */
export const toF32 = defineKernel({
  name: "to_f32",
  formula: "y = x as a float",
  params: { count: { type: "u32", about: "how many numbers" } },
  buffers: {
    x: { role: "input", element: "i32", shape: ({ count }) => [count] },
    y: { role: "output", element: "f32", shape: ({ count }) => [count] },
  },
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches: ({ count }, choice) => elementwise(["x", "y"], count, choice),
  reference: (_, { x = [] }) => ({ y: Float64Array.from(x) }),
  tolerance: () => ({ abs: 0, rel: 1.2e-7, why: "beyond 2^24 the next float32 above or below" }),
  work: ({ count }) => ({ bytes: 8 * count, flops: 0 }),
  cases: {
    sizes: { count: [0, 300], bits: [1, 31] },
    always: [
      { count: 1, bits: 1 },
      { count: 257, bits: 31 },
    ],
    // Small whole numbers are.
    exact: true,
    make: ({ count = 1, bits = 24 }, random) => {
      const most = 2 ** (random.exact ? Math.min(bits, 24) : bits) - 1;
      return { params: { count }, inputs: { x: random.whole(count, -most, most) } };
    },
    bench: { "positions, 32k": { count: 32768, bits: 15 } },
  },
});
