import wgsl from "../../../../kernels/wgsl/compare_i32.wgsl";
import { twoIntoOne } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { compared, compareOps } from "./compare.js";

/** Whole numbers compared, element by element. */
export const compareI32 = defineKernel({
  ...twoIntoOne("compare_i32", compareOps, "i32", "i32"),
  formula: "y = 1 where a op b, else 0",
  variants: [{ name: "i32", features: [], wgsl: [wgsl] }],
  reference: ({ count, op }, { a = [], b = [] }) => ({ y: compared(count, op, a, b) }),
  tolerance: () => ({ abs: 0, rel: 0, why: "yes or no" }),
  work: ({ count }) => ({ bytes: 12 * count, flops: 0 }),
  cases: {
    sizes: { count: [0, 300], op: [0, 1], bits: [1, 31] },
    always: [
      { count: 257, op: 0, bits: 1 },
      { count: 257, op: 1, bits: 1 },
      { count: 64, op: 0, bits: 31 },
    ],
    exact: true,
    make: ({ count = 1, op = 0, bits = 31 }, random) => {
      const a = random.whole(count, -(2 ** bits) + 1, 2 ** bits - 2);
      // As near as float32 could not tell apart.
      const b = random.whole(count, -1, 1).map((step, i) => a[i]! + step);
      return { params: { count, op }, inputs: { a, b } };
    },
    bench: { "a mask of 1024 x 1024": { count: 2 ** 20, op: 0, bits: 10 } },
  },
});
