import wgsl from "../../../../kernels/wgsl/binary.wgsl";
import { twoIntoOne } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { opName } from "../layout.js";

/** The functions of `binary`, as its parameter `op` names them. */
export const binaryOps = { add: 0, sub: 1, mul: 2, div: 3, max: 4 } as const;
export type BinaryOp = keyof typeof binaryOps;

const meanings: Readonly<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: (a, b) => Math.max(a, b),
};

/** `y = op(a, b)`, all `[count]`, with `op` of {@link binaryOps}. What is no finite number comes out as the device likes. */
export const binary = defineKernel({
  ...twoIntoOne("binary", binaryOps, "f32", "f32"),
  formula: `y = op(a, b), of ${Object.keys(binaryOps).join(", ")}`,
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  reference({ op }, { a = [], b = [] }) {
    const meaning = meanings[opName("binary", binaryOps, op)];
    return { y: Float64Array.from(a, (left, i) => meaning(left, b[i]!)) };
  },
  tolerance: ({ op }) =>
    op === binaryOps.div
      ? { abs: 1e-37, rel: 3e-7, why: "WGSL allows a quotient 2.5 ulp" }
      : { abs: 1e-37, rel: 6e-8, why: "rounded once, correctly" },
  work: ({ count }) => ({ bytes: 12 * count, flops: count }),
  cases: {
    sizes: { count: [0, 600], op: [0, 4] },
    always: Object.values(binaryOps).flatMap((op) => [
      { count: 256, op },
      { count: 257, op },
    ]),
    exact: false,
    make({ count = 1, op = 0 }, random) {
      const [a, right] = [random.numbers(count), random.numbers(count)];
      const b = op === binaryOps.div ? right.map((n) => (n === 0 ? 3 : n)) : right;
      return { params: { count, op }, inputs: { a, b } };
    },
    bench: { "a residual, 7B": { count: 1024 * 3584, op: binaryOps.add } },
  },
});
