import { ops, type PrimitiveName, type Size, type Value } from "@hulu/core";
import { copiesOf } from "../plan/copies.js";
import { type Emission, none } from "../plan/emission.js";
import { countOf, product } from "../plan/sizes.js";
import { axisIndex, base } from "../plan/views.js";
import type { Place } from "../plan.js";
import { binaryI32Op, binaryOp, compareOp, reduceOp, unaryOp } from "./op-numbers.js";
import type { Emit } from "./rule.js";

const unary: Emit = (e, node) => {
  const x = e.place(node.inputs[0]!);
  e.call("unary", node.scope, { x, y: e.result(node) }, { count: countOf(node), op: unaryOp(node.op.name) });
};

const operands = (e: Emission, node: Value): { a: Place; b: Place } => {
  const [a, b] = node.inputs as [Value, Value];
  return { a: e.place(a), b: e.place(b) };
};

const binary: Emit = (e, node) => {
  const { name } = node.op;
  const args = { ...operands(e, node), y: e.result(node) };
  const count = countOf(node);
  if (node.dtype === "f32") e.call("binary", node.scope, args, { count, op: binaryOp(name) });
  else e.call("binary_i32", node.scope, args, { count, op: binaryI32Op(name) });
};

const compare: Emit = (e, node) => {
  const kernel = node.inputs[0]!.dtype === "f32" ? "compare" : "compare_i32";
  const params = { count: countOf(node), op: compareOp(node.op.name) };
  e.call(kernel, node.scope, { ...operands(e, node), y: e.result(node) }, params);
};

const where: Emit = (e, node) => {
  const [condition, a, b] = node.inputs.map((i) => e.place(i)) as [Place, Place, Place];
  e.call("select", node.scope, { condition, a, b, y: e.result(node) }, { count: countOf(node) });
};

const cast: Emit = (e, node) => {
  const x = node.inputs[0]!;
  const count = countOf(node);
  if (node.dtype === "bool") truth(e, node);
  else {
    const kernel = node.dtype === "f32" ? "to_f32" : "to_i32";
    e.call(kernel, node.scope, { x: e.place(x), y: e.result(node) }, { count });
  }
};

/** x != 0, as twice "equal to 0": 0 is the same word in floats and in whole numbers. */
const truth: Emit = (e, node) => {
  const x = node.inputs[0]!;
  const count = countOf(node);
  const [zeros, isZero] = [e.slot(count), e.slot(count)];
  const all = { axes: [{ size: count, from: 0, to: 1 }], from: 0, to: 0 };
  e.copy(node.scope, e.constant([0], "i32"), zeros, count, all);
  const params = { count, op: compareOp("equal") };
  const kernel = x.dtype === "f32" ? "compare" : "compare_i32";
  e.call(kernel, node.scope, { a: e.place(x), b: zeros, y: isZero }, params);
  e.call("compare_i32", node.scope, { a: isZero, b: zeros, y: e.result(node) }, params);
};

const moved: Emit = (e, node) => {
  const y = e.result(node);
  for (const [i, copy] of copiesOf(node).entries())
    e.copy(node.scope, e.place(node.inputs[i]!), y, countOf(node), copy);
};

/** The axes of the input, cut at the one that an attribute names. */
function around(node: Value): { outer: Size; along: Size; inner: Size } {
  const { dims } = node.inputs[0]!;
  const at = axisIndex(node);
  return { outer: product(dims.slice(0, at)), along: dims[at]!.size, inner: product(dims.slice(at + 1)) };
}

const reduce: Emit = (e, node) => {
  const { outer, along, inner } = around(node);
  const args = { x: e.place(node.inputs[0]!), y: e.result(node) };
  const op = reduceOp(node.op.name.replace("reduce_", ""));
  e.call("reduce", node.scope, args, { outer, width: along, inner, op });
};

const matmul: Emit = (e, node) => {
  const [a, b] = node.inputs as [Value, Value];
  const [n, k] = b.dims.slice(-2).map((d) => d.size) as [Size, Size];
  const x = e.place(a);
  if (b.dims.length === 2) {
    const args = { x, ...e.matrix(b), bias: none, residual: none, y: e.result(node) };
    const m = product(a.dims.slice(0, -1));
    e.call("matmul", node.scope, args, { m, n, k, bias: 0, activation: 0, residual: 0 });
  } else {
    const args = { x, w: e.place(b), y: e.result(node) };
    const params = { batch: product(a.dims.slice(0, -2)), m: a.dims.at(-2)!.size, n, k };
    e.call("matmul_batch", node.scope, args, params);
  }
};

const gather: Emit = (e, node) => {
  const [from, index] = node.inputs as [Value, Value];
  const { outer, along: rows, inner } = around(node);
  const count = countOf(index);
  const stored = base(from).op === ops.paramOp && outer === 1 && typeof rows === "number" && typeof inner === "number";
  const args = { index: e.place(index), y: e.result(node) };
  if (stored) e.call("embedding", node.scope, { ...args, ...e.matrix(from) }, { count, rows, width: inner });
  else e.call("gather", node.scope, { ...args, x: e.place(from) }, { outer, rows, inner, count });
};

const iota: Emit = (e, node) => {
  const start = node.attrs.start as Size;
  e.call("iota", node.scope, { y: e.result(node) }, { count: countOf(node), start });
};

/** A leaf has its place, and a view that of what it shows. */
const nothing: Emit = (_, node) => {
  throw new Error(`${node.op.name} is not computed`);
};

/** How each primitive is computed by itself. A missing one does not compile. */
export const primitives: Readonly<Record<PrimitiveName, Emit>> = {
  input: nothing,
  param: nothing,
  state: nothing,
  constant: nothing,
  relabel: nothing,
  iota,
  abs: unary,
  exp: unary,
  sqrt: unary,
  cos: unary,
  sin: unary,
  tanh: unary,
  erf: unary,
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  max: binary,
  and: binary,
  less: compare,
  equal: compare,
  where,
  cast,
  broadcast: moved,
  rearrange: moved,
  slice: moved,
  concat: moved,
  reduce_sum: reduce,
  reduce_max: reduce,
  matmul,
  gather,
};
