import wgsl from "../../../../kernels/wgsl/iota.wgsl";
import { elementwise, threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";

/** Positions along an axis. */
export const iota = defineKernel({
  name: "iota",
  formula: "y = start, start + 1, ...",
  params: {
    count: { type: "u32", about: "how many numbers" },
    start: { type: "i32", about: "the first of them" },
  },
  buffers: { y: { role: "output", element: "i32", shape: ({ count }) => [count] } },
  variants: [{ name: "i32", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches: ({ count, start }, choice) =>
    elementwise(["y"], count, choice).map(({ params, rows, ...launch }) =>
      rows === undefined ? launch : { ...launch, rows, params: { ...params, start: start + (rows.y?.[0] ?? 0) } },
    ),
  reference: ({ count, start }) => ({ y: Float64Array.from({ length: count }, (_, i) => start + i) }),
  tolerance: () => ({ abs: 0, rel: 0, why: "whole numbers" }),
  work: ({ count }) => ({ bytes: 4 * count, flops: 0 }),
  cases: {
    sizes: { count: [0, 300], start: [-1000, 1000] },
    always: [
      { count: 1, start: 0 },
      { count: 257, start: -3 },
    ],
    exact: true,
    make: ({ count = 1, start = 0 }) => ({ params: { count, start }, inputs: {} }),
    bench: { "positions, 32k": { count: 32768, start: 0 } },
  },
});
