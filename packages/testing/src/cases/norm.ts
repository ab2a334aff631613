import { ops, type Value } from "@hulu/core";
import { at, type Bound, nd, total } from "../nd.js";
import { fills } from "../random.js";
import { type OpCase, opCase } from "./case.js";
import { erfByIntegral } from "./elementwise.js";

const smooth: Bound = { abs: 5e-6, rel: 5e-6, why: "a float32 exp, tanh or erf between a few roundings" };
const normal: Bound = {
  abs: 5e-5,
  rel: 1e-5,
  why: "numbers 1/32 from their mean of size 2 lose six bits before they are scaled up",
};

const pointwise = (op: string, apply: (x: Value) => Value, meaning: (x: number) => number): OpCase =>
  opCase(op, "element by element", smooth, {
    sizes: { a: [0, 4], b: [0, 9] },
    exact: false,
    build: (make) => ({
      inputs: { x: make.f32([make.axis("a"), make.axis("b")], fills.between(-5, 5)) },
      body: ({ x }) => apply(x!),
      direct: ({ x }) => nd(x!.shape, (i, j) => meaning(at(x!, i, j))),
    }),
  });

const norm = (op: "rms_norm" | "layer_norm", eps: number): OpCase =>
  opCase(op, `over the last axis, eps ${eps}`, normal, {
    sizes: { a: [0, 3], b: [1, 3], width: [1, 20] },
    exact: false,
    build: (make) => {
      const width = make.fixed("width");
      const scale = make.f32([width], fills.between(0.5, 1.5), fills.powers);
      const layer = op === "layer_norm";
      return {
        inputs: { x: make.f32([make.axis("a"), make.axis("b"), width], fills.grid, fills.grid) },
        params: { weight: scale, ...(layer && { bias: make.f32([width]) }) },
        body: ({ x, weight, bias }) => (layer ? ops.layerNorm(x!, weight!, bias!, eps) : ops.rmsNorm(x!, weight!, eps)),
        direct: ({ x, weight, bias }) => {
          const n = make.size("width");
          return nd(x!.shape, (i, j, k) => {
            const mean = layer ? total(n, (l) => at(x!, i, j, l)) / n : 0;
            const variance = total(n, (l) => (at(x!, i, j, l) - mean) ** 2) / n;
            return ((at(x!, i, j, k) - mean) / Math.sqrt(variance + eps)) * at(weight!, k) + (layer ? at(bias!, k) : 0);
          });
        },
      };
    },
  });

export const normCases: readonly OpCase[] = [
  pointwise("gelu", ops.gelu, (x) => (x / 2) * (1 + erfByIntegral(x / Math.sqrt(2)))),
  pointwise(
    "gelu_tanh",
    ops.geluTanh,
    (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ),
  pointwise("silu", ops.silu, (x) => x / (1 + Math.exp(-x))),
  opCase("silu", "times another value, as in SwiGLU", smooth, {
    sizes: { a: [1, 3], b: [1, 9] },
    exact: false,
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b")];
      return {
        inputs: { gate: make.f32(dims), up: make.f32(dims) },
        body: ({ gate, up }) => ops.mul(ops.silu(gate!), up!),
        direct: ({ gate, up }) =>
          nd(gate!.shape, (i, j) => (at(gate!, i, j) / (1 + Math.exp(-at(gate!, i, j)))) * at(up!, i, j)),
      };
    },
  }),
  opCase("softmax", "over the last axis, large scores among them", smooth, {
    sizes: { a: [0, 3], b: [1, 9] },
    exact: false,
    build: (make) => ({
      inputs: {
        x: make.f32(
          [make.axis("a"), make.axis("b")],
          (r) => r.float(-4, 4) + 100,
          (r) => 50 * r.int(-2, 2),
        ),
      },
      body: ({ x }) => ops.softmax(x!),
      direct: ({ x }) => nd(x!.shape, (i, j) => 1 / total(x!.shape[1]!, (k) => Math.exp(at(x!, i, k) - at(x!, i, j)))),
    }),
  }),
  norm("rms_norm", 1e-6),
  norm("rms_norm", 0.5),
  norm("layer_norm", 1e-6),
  norm("layer_norm", 0.5),
];
