import { emit, floats, GraphError, type OpDef, type Value } from "../graph/value.js";
import { add, broadcast, div, erf, exp, mul, sub, tanh } from "./elementwise.js";
import { reduceMax, reduceSum } from "./reduce.js";

const pointwise = (name: string, decompose: (x: Value) => Value): OpDef => ({
  name,
  infer([x]) {
    floats(x);
    return { dims: x!.dims, dtype: "f32" };
  },
  decompose: ([x]) => decompose(x!),
});

/** x / 2 * (1 + erf(x / sqrt 2)): the exact form. Hendrycks and Gimpel, 2016. */
export const geluOp = pointwise("gelu", (x) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)));

/** x / 2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): the approximation of the same paper. */
export const geluTanhOp = pointwise("gelu_tanh", (x) => {
  const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
});

/** x / (1 + exp(-x)). */
export const siluOp = pointwise("silu", (x) => div(x, add(exp(mul(x, -1)), 1)));

/** exp(x - max) / sum, over the last axis. A row of nothing but -infinity is an error of whoever made the mask. */
export const softmaxOp: OpDef = {
  name: "softmax",
  infer([x]) {
    floats(x);
    if (x!.dims.length === 0) throw new GraphError("needs at least one axis");
    return { dims: x!.dims, dtype: "f32" };
  },
  decompose([x]) {
    const last = x!.dims.at(-1)!.name;
    const weights = exp(sub(x!, broadcast(reduceMax(x!, last), x!)));
    return div(weights, broadcast(reduceSum(weights, last), x!));
  },
};

const map =
  (op: OpDef) =>
  <A extends string>(x: Value<A>): Value<A> =>
    emit(op, [x]);
export const gelu = map(geluOp);
export const geluTanh = map(geluTanhOp);
export const silu = map(siluOp);
export const softmax = map(softmaxOp);
