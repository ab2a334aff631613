import wgsl from "../../../../kernels/wgsl/to_i32.wgsl";
import { elementwise, threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";

// What float32 and 32 bits both hold.
const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 128;

/** Floats without their fraction. */
export const toI32 = defineKernel({
  name: "to_i32",
  formula: "y = x without its fraction; beyond 32 bits the nearest float32 that fits, and 0 for a NaN",
  params: { count: { type: "u32", about: "how many numbers" } },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ count }) => [count] },
    y: { role: "output", element: "i32", shape: ({ count }) => [count] },
  },
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches: ({ count }, choice) => elementwise(["x", "y"], count, choice),
  reference: (_, { x = [] }) => ({
    y: Float64Array.from(x, (v) => (Number.isNaN(v) ? 0 : Math.trunc(Math.max(LEAST, Math.min(MOST, v))))),
  }),
  tolerance: () => ({ abs: 0, rel: 0, why: "a float32 below 2^31 has its whole part exactly" }),
  work: ({ count }) => ({ bytes: 8 * count, flops: 0 }),
  cases: {
    sizes: { count: [0, 300], power: [-3, 36] },
    always: [
      { count: 1, power: 0 },
      { count: 257, power: 3 },
      { count: 64, power: 32 },
    ],
    exact: true,
    make: ({ count = 1, power = 0 }, random) => {
      const x = random.numbers(count).map((v) => v * 2 ** power);
      for (const [i, odd] of [Number.NaN, -0.99, 2 ** 31, -(2 ** 31), Number.NEGATIVE_INFINITY].entries())
        if (i < count - 1) x[i] = odd;
      return { params: { count }, inputs: { x } };
    },
    bench: { "a row of 7B": { count: 3584, power: 3 } },
  },
});
