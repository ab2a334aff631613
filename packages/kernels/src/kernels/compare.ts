import wgsl from "../../../../kernels/wgsl/compare.wgsl";
import { twoIntoOne } from "../elementwise.js";
import { defineKernel } from "../kernel.js";

/** What `op` means. */
export const compareOps = { less: 0, equal: 1 } as const;

/** The meaning of both kernels that compare. */
export const compared = (count: number, op: number, a: ArrayLike<number>, b: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Number(op === compareOps.less ? a[i]! < b[i]! : a[i]! === b[i]!));

/** Floats compared, element by element. What is said of a NaN is the device's business: a compiler may take it that there are none. */
export const compare = defineKernel({
  ...twoIntoOne("compare", compareOps, "f32", "i32"),
  formula: "y = 1 where a op b, else 0",
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  reference: ({ count, op }, { a = [], b = [] }) => ({ y: compared(count, op, a, b) }),
  tolerance: () => ({ abs: 0, rel: 0, why: "yes or no" }),
  work: ({ count }) => ({ bytes: 12 * count, flops: 0 }),
  cases: {
    sizes: { count: [0, 300], op: [0, 1] },
    always: [
      { count: 257, op: 0 },
      { count: 257, op: 1 },
    ],
    exact: true,
    make: ({ count = 1, op = 0 }, random) => {
      // Few values, so that many are equal.
      const draw = () => Float32Array.from(random.whole(count, -2, 2), (v) => v / 4);
      return { params: { count, op }, inputs: { a: draw(), b: draw() } };
    },
    bench: { "a mask of 1024 x 1024": { count: 2 ** 20, op: 0 } },
  },
});
