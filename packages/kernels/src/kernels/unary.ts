import activation from "../../../../kernels/wgsl/lib/activation.wgsl";
import trig from "../../../../kernels/wgsl/lib/trig.wgsl";
import wgsl from "../../../../kernels/wgsl/unary.wgsl";
import { elementwise, threadPresets } from "../elementwise.js";
import { defineKernel, type Tolerance } from "../kernel.js";
import { opName } from "../layout.js";
import { erf, gelu, geluTanh, silu } from "../maths.js";

/** The functions of `unary`, as its parameter `op` names them. */
export const unaryOps = {
  abs: 0,
  exp: 1,
  sqrt: 2,
  cos: 3,
  sin: 4,
  tanh: 5,
  erf: 6,
  gelu: 7,
  gelu_tanh: 8,
  silu: 9,
} as const;
export type UnaryOp = keyof typeof unaryOps;

interface Meaning extends Tolerance {
  of(x: number): number;
  /** The largest number that cases have, either sign. */
  readonly most: number;
}

const GATED =
  "WGSL allows exp 3 + 2 |x| ulp and a quotient 2.5; far below 0, where exp is loose, almost nothing is left of x";

const meanings: Readonly<Record<UnaryOp, Meaning>> = {
  abs: { of: Math.abs, most: 1e5, abs: 0, rel: 0, why: "a bit" },
  exp: { of: Math.exp, most: 40, abs: 1e-37, rel: 1e-5, why: "WGSL allows 3 + 2 |x| ulp, 83 at 40" },
  sqrt: { of: Math.sqrt, most: 1e5, abs: 1e-19, rel: 6e-7, why: "WGSL allows that of 1 / inverseSqrt: 2 and 2.5 ulp" },
  cos: { of: Math.cos, most: 1e6, abs: 1e-7, rel: 0, why: "angles are reduced to 2e-9; then float32" },
  sin: { of: Math.sin, most: 1e6, abs: 1e-7, rel: 0, why: "angles are reduced to 2e-9; then float32" },
  tanh: { of: Math.tanh, most: 100, abs: 1e-37, rel: 1e-6, why: "polynomials, and an exp of 6 ulp at 0.6" },
  erf: { of: erf, most: 8, abs: 1e-37, rel: 5e-7, why: "polynomials, and an exp of 5 ulp at 1" },
  gelu: { of: gelu, most: 20, abs: 5e-7, rel: 1e-6, why: GATED },
  gelu_tanh: { of: geluTanh, most: 20, abs: 5e-7, rel: 1e-6, why: GATED },
  silu: { of: silu, most: 80, abs: 5e-7, rel: 1e-6, why: GATED },
};

const meaning = (op: number): Meaning => meanings[opName("unary", unaryOps, op)];

/** `y = op(x)`, both `[count]`, with `op` of {@link unaryOps}. What is no finite number comes out as the device likes. */
export const unary = defineKernel({
  name: "unary",
  formula: `y = op(x), of ${Object.keys(unaryOps).join(", ")}. GELU, exact and by tanh: Hendrycks and Gimpel, 2016`,
  params: {
    count: { type: "u32", about: "how many numbers" },
    op: { type: "u32", about: "which function, as unaryOps numbers them" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ count }) => [count] },
    y: { role: "output", element: "f32", shape: ({ count }) => [count] },
  },
  variants: [{ name: "f32", features: [], wgsl: [activation, trig, wgsl] }],
  presets: threadPresets,
  launches({ count, op }, choice) {
    opName("unary", unaryOps, op);
    return elementwise(["x", "y"], count, choice);
  },
  reference: ({ op }, { x = [] }) => ({ y: Float64Array.from(x, meaning(op).of) }),
  tolerance: ({ op }) => meaning(op),
  work: ({ count }) => ({ bytes: 8 * count, flops: count }),
  cases: {
    sizes: { count: [0, 600], op: [0, 9], small: [0, 1] },
    always: Object.values(unaryOps).flatMap((op) => [
      { count: 257, op, small: 0 },
      { count: 255, op, small: 1 },
    ]),
    exact: false,
    make({ count = 1, op = 0, small = 0 }, random) {
      const spread = small === 1 ? 1 : meaning(op).most / 2;
      const x = random.numbers(count).map((n) => (op === unaryOps.sqrt ? Math.abs(n) : n) * spread);
      return { params: { count, op }, inputs: { x } };
    },
    bench: { "GELU of the projector": { count: 1024 * 3584, op: unaryOps.gelu, small: 1 } },
  },
});
