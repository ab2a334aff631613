import wgsl from "../../../../kernels/wgsl/select.wgsl";
import { elementwise, threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { words } from "./copy/cases.js";

/** One of two numbers, whatever their four bytes mean. */
export const select = defineKernel({
  name: "select",
  formula: "y = condition ? a : b, where 0 is false",
  params: { count: { type: "u32", about: "how many numbers" } },
  buffers: {
    condition: { role: "input", element: "i32", shape: ({ count }) => [count] },
    a: { role: "input", element: "u32", shape: ({ count }) => [count] },
    b: { role: "input", element: "u32", shape: ({ count }) => [count] },
    y: { role: "output", element: "u32", shape: ({ count }) => [count] },
  },
  variants: [{ name: "words", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches: ({ count }, choice) => elementwise(["condition", "a", "b", "y"], count, choice),
  reference: ({ count }, { condition = [], a = [], b = [] }) => ({
    y: Float64Array.from({ length: count }, (_, i) => (condition[i] === 0 ? b[i]! : a[i]!)),
  }),
  tolerance: () => ({ abs: 0, rel: 0, why: "numbers are moved" }),
  work: ({ count }) => ({ bytes: 12 * count, flops: 0 }),
  cases: {
    sizes: { count: [0, 300] },
    always: [{ count: 1 }, { count: 257 }],
    exact: true,
    make: ({ count = 1 }, random) => ({
      params: { count },
      inputs: { condition: random.whole(count, 0, 1), a: words(random, count), b: words(random, count) },
    }),
    bench: { "a mask of 28 heads, 1024 x 1024": { count: 28 * 2 ** 20 } },
  },
});
