import wgsl from "../../../../kernels/wgsl/binary_i32.wgsl";
import { twoIntoOne } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { opName } from "../layout.js";

/** What `op` means. `and` takes and gives 0 for false; what is not 0 counts as true. */
export const binaryI32Ops = { add: 0, sub: 1, mul: 2, div: 3, max: 4, and: 5 } as const;

const meanings: Readonly<Record<keyof typeof binaryI32Ops, (a: number, b: number) => number>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  div: (a, b) => (b === 0 ? a : (a / b) | 0),
  max: (a, b) => Math.max(a, b),
  and: (a, b) => Number(a !== 0 && b !== 0),
};

/** Two numbers of 32 bits into one, element by element. */
export const binaryI32 = defineKernel({
  ...twoIntoOne("binary_i32", binaryI32Ops, "i32", "i32"),
  formula: "y = a op b on 32 bits that wrap around; div drops the fraction, and by 0 gives a",
  variants: [{ name: "i32", features: [], wgsl: [wgsl] }],
  reference({ count, op }, { a = [], b = [] }) {
    const meaning = meanings[opName("binary_i32", binaryI32Ops, op)];
    return { y: Float64Array.from({ length: count }, (_, i) => meaning(a[i]!, b[i]!)) };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "whole numbers" }),
  work: ({ count }) => ({ bytes: 12 * count, flops: 0 }),
  cases: {
    sizes: { count: [0, 300], op: [0, 5], bits: [1, 31] },
    always: [0, 1, 2, 3, 4, 5].flatMap((op) => [
      { count: 257, op, bits: 1 },
      { count: 64, op, bits: 31 },
    ]),
    exact: true,
    make: ({ count = 1, op = 0, bits = 31 }, random) => {
      const draw = () => random.whole(count, -(2 ** bits), 2 ** bits - 1);
      return { params: { count, op }, inputs: { a: draw(), b: draw() } };
    },
    bench: { "a mask of 1024 x 1024": { count: 2 ** 20, op: 5, bits: 1 } },
  },
});
