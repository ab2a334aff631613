import { type Axis, evaluate, FeedError, ops, type PrimitiveName, type Size, type Value } from "@hulu/core";
import { countOf, type Emission, type Emitter, typeOf } from "../emission.js";
import { transposedOp } from "../layout.js";
import type { TfTensor } from "../runtime.js";
import { constant, input, iota, state, weight } from "./leaves.js";
import { productsOfRows, rowsTimesMatrix } from "./products.js";

type Unary = "abs" | "exp" | "sqrt" | "cos" | "sin" | "tanh" | "erf";
type Binary = "add" | "sub" | "mul" | "div" | "maximum" | "less" | "equal" | "logicalAnd";

const unary =
  (name: Unary): Emitter =>
  (e, node) =>
    e.tf[name](e.thin(node.inputs[0]!));

const binary =
  (name: Binary): Emitter =>
  (e, node) =>
    e.tf[name](e.thin(node.inputs[0]!), e.thin(node.inputs[1]!));

const where: Emitter = (e, { inputs: [condition, a, b] }) => e.tf.where(e.thin(condition!), e.thin(a!), e.thin(b!));

/** The wasm kernel for bool keeps the lowest byte of an integer: 256 would be false. */
const cast: Emitter = (e, node) => {
  const x = e.thin(node.inputs[0]!);
  if (node.dtype === "bool" && x.dtype !== "bool") return e.tf.notEqual(x, e.tf.scalar(0, x.dtype));
  return e.tf.cast(x, typeOf(node));
};

/** Axes of size 1 where numbers are to be repeated. */
const broadcast: Emitter = (e, node) => {
  const [x] = node.inputs as [Value];
  const own = e.thin(x).shape;
  let at = 0;
  return e.tf.reshape(
    e.thin(x),
    node.dims.map((d) => (x.dims[at]?.name === d.name ? own[at++]! : 1)),
  );
};

const axisIndex = (x: Value, name: unknown): number => x.dims.findIndex((d) => d.name === name);

const reduce =
  (name: "sum" | "max", ofNothing: number): Emitter =>
  (e, node) => {
    const [x] = node.inputs as [Value];
    const tensor = e.full(x);
    if (tensor.size === 0) return e.tf.fill(e.sizes(node.dims), ofNothing);
    return e.tf[name](tensor, axisIndex(x, node.attrs.axis));
  };

/** [... m k] x [... n k] -> [... m n]; b without leading axes is shared by all of a's. */
const matmul: Emitter = (e, node) => {
  const [x, y] = node.inputs as [Value, Value];
  const a = e.full(x);
  const shape = e.sizes(node.dims);
  if (a.size === 0) return e.tf.zeros(shape);
  if (y.op === transposedOp) return rowsTimesMatrix(e, a, e.thin(y));
  const b = e.full(y);
  if (b.rank === 2) return rowsTimesMatrix(e, a, e.tf.transpose(b));
  const stacked = (t: TfTensor) => e.tf.reshape(t, [countOf(t.shape.slice(0, -2)), ...t.shape.slice(-2)]);
  return e.tf.reshape(productsOfRows(e, stacked(a), stacked(b)), shape);
};

const rearrange: Emitter = (e, node) => {
  const { split, perm, out } = ops.rearrangeSteps(node);
  const sizes = (list: readonly Size[]) => list.map((s) => evaluate(s, e.env));
  const parts = e.tf.reshape(e.full(node.inputs[0]!), sizes(split));
  const moved = perm.every((from, to) => from === to) ? parts : e.tf.transpose(parts, [...perm]);
  return e.tf.reshape(moved, sizes(out));
};

const relabel: Emitter = (e, node) => e.tf.clone(e.thin(node.inputs[0]!));

const slice: Emitter = (e, node) => {
  const [x] = node.inputs as [Value];
  const at = axisIndex(x, node.attrs.axis);
  const start = sizeOf(e, node.attrs.start as Size, "start of a slice");
  const end = start + evaluate((node.attrs.to as Axis).size, e.env);
  const tensor = e.full(x);
  if (end > tensor.shape[at]!)
    throw new FeedError(`${end} is past the end of ${String(node.attrs.axis)}, which has ${tensor.shape[at]}`);
  return e.tf.slice(
    tensor,
    tensor.shape.map((_, i) => (i === at ? start : 0)),
    e.sizes(node.dims),
  );
};

function sizeOf(e: Emission, size: Size, what: string): number {
  const value = evaluate(size, e.env);
  if (value < 0) throw new FeedError(`the ${what} would be ${value}`);
  return value;
}

const concat: Emitter = (e, node) => {
  const parts = node.inputs.map((v) => e.full(v)).filter((t) => t.size > 0);
  return e.tf.concat(parts, axisIndex(node.inputs[0]!, node.attrs.axis));
};

/** Indices are looked at here: kernels differ in what they do with one that is outside. */
const gather: Emitter = (e, node) => {
  const [table, index] = node.inputs as [Value, Value];
  const at = axisIndex(table, node.attrs.axis);
  const [rows, wanted] = [e.full(table), e.full(index)];
  const count = rows.shape[at]!;
  for (const i of wanted.dataSync())
    if (i < 0 || i >= count)
      throw new FeedError(`the index ${i} is outside ${String(node.attrs.axis)}, which has ${count} rows`);
  return e.tf.gather(rows, wanted, at);
};

/** What each primitive is in TensorFlow.js. A missing one does not compile. */
export const primitiveEmitters: Readonly<Record<PrimitiveName, Emitter>> = {
  input,
  param: weight,
  state,
  constant,
  iota,
  abs: unary("abs"),
  exp: unary("exp"),
  sqrt: unary("sqrt"),
  cos: unary("cos"),
  sin: unary("sin"),
  tanh: unary("tanh"),
  erf: unary("erf"),
  add: binary("add"),
  sub: binary("sub"),
  mul: binary("mul"),
  div: binary("div"),
  max: binary("maximum"),
  less: binary("less"),
  equal: binary("equal"),
  and: binary("logicalAnd"),
  where,
  cast,
  broadcast,
  reduce_sum: reduce("sum", 0),
  reduce_max: reduce("max", Number.NEGATIVE_INFINITY),
  matmul,
  rearrange,
  relabel,
  slice,
  concat,
  gather,
};
