import { type Axis, addSizes, atoms, ops, type PrimitiveName, type Size, type Value } from "@hulu/core";
import { axisIndex, type Emission, hintOf, sizesOf } from "../emission.js";
import { elementTypes } from "../onnx.js";
import { emitGather } from "./gather.js";
import { emitInput, emitParam, emitState } from "./leaves.js";

/** Adds what computes a value, whose inputs are emitted, and defines it. */
export type Emitter = (e: Emission, node: Value) => void;

/** One ONNX node of the same operands. */
const simple =
  (op: string): Emitter =>
  (e, node) =>
    e.define(node, e.node(op, operands(e, node), { hint: hintOf(node) }));

/** As `simple`, and without element types of a node's own: ONNX's Where has none for bool. */
const emitWhere: Emitter = (e, node) => {
  const [condition, a, b] = operands(e, node) as [string, string, string];
  const hint = hintOf(node);
  if (node.dtype !== "bool") {
    e.define(node, e.node("Where", [condition, a, b], { hint }));
    return;
  }
  const first = e.node("And", [condition, a], { hint });
  const second = e.node("And", [e.node("Not", [condition], { hint }), b], { hint });
  e.define(node, e.node("Or", [first, second], { hint }));
};

/**
 * The operands of an elementwise node. ONNX spreads operands by itself, so that a broadcast need not be made, only lined
 * up, as long as one operand has the whole shape.
 */
function operands(e: Emission, node: Value): string[] {
  const whole = node.inputs.findIndex((v) => v.op !== ops.broadcastOp);
  return node.inputs.map((v, i) =>
    v.op === ops.broadcastOp && i !== Math.max(whole, 0) ? alignedBroadcast(e, v) : e.name(v),
  );
}

/** The input of a broadcast, with ones where it repeats; those in front are left out. */
function alignedBroadcast(e: Emission, node: Value): string {
  const x = node.inputs[0]!;
  let at = 0;
  const sizes = node.dims.map((d): Size => (x.dims[at]?.name === d.name ? x.dims[at++]!.size : 1));
  const first = x.dims.length === 0 ? sizes.length : node.dims.findIndex((d) => d.name === x.dims[0]!.name);
  return e.view(x, sizes.slice(first));
}

const emitBroadcast: Emitter = (e, node) =>
  e.defer(node, () =>
    e.define(node, e.node("Expand", [alignedBroadcast(e, node), e.shape(sizesOf(node.dims))], { hint: hintOf(node) })),
  );

const reduce =
  (op: string): Emitter =>
  (e, node) => {
    const x = node.inputs[0]!;
    const axes = e.constant("i64", [axisIndex(x, node.attrs.axis)]);
    e.define(node, e.node(op, [e.name(x), axes], { attributes: { keepdims: { int: 0 } }, hint: hintOf(node) }));
  };

/** Rows with rows: FusedMatMul takes the second operand as it is stored, and costs what MatMul does. */
const emitMatmul: Emitter = (e, node) => {
  const [a, b] = node.inputs as [Value, Value];
  const hint = hintOf(node);
  const inner = a.dims.at(-1)!.size;
  const product = productOfRows(e, e.name(a), e.name(b), hint);
  // Over nothing, ONNX Runtime leaves the result as it found the memory.
  const whole = typeof inner === "number" && inner > 0;
  const some = whole ? undefined : e.node("Greater", [e.size(inner), e.constant("i64", [0])], { hint });
  const zero = e.constant("f32", [0], []);
  e.define(node, some === undefined ? product : e.node("Where", [some, product, zero], { hint }));
};

/** `[... m k] x [... n k] -> [... m n]`. */
export const productOfRows = (e: Emission, a: string, b: string, hint: string, alpha = 1): string =>
  e.node("FusedMatMul", [a, b], {
    domain: "com.microsoft",
    attributes: { transB: { int: 1 }, ...(alpha !== 1 && { alpha: { float: alpha } }) },
    hint,
  });

const emitCast: Emitter = (e, node) => {
  const to = elementTypes[node.dtype as "f32" | "i32" | "bool"];
  e.define(node, e.node("Cast", [e.name(node.inputs[0]!)], { attributes: { to: { int: to } }, hint: hintOf(node) }));
};

const emitRelabel: Emitter = (e, node) => e.alias(node, node.inputs[0]!);

/** A transpose between two reshapes, of which both may be nothing. */
const emitRearrange: Emitter = (e, node) => {
  const x = node.inputs[0]!;
  const { split, perm } = ops.rearrangeSteps(node);
  if (perm.every((p, i) => p === i)) {
    e.alias(node, x);
    return;
  }
  const moved = e.node("Transpose", [e.view(x, split)], {
    attributes: { perm: { ints: perm } },
    hint: hintOf(node),
  });
  e.define(
    node,
    moved,
    node.dims.flatMap(atoms).map((a) => a.size),
  );
};

const emitSlice: Emitter = (e, node) => {
  const { start, to, axis } = node.attrs as { start: Size; to: Axis; axis: string };
  const x = node.inputs[0]!;
  const range = [e.size(start), e.size(addSizes(start, to.size)), e.constant("i64", [axisIndex(x, axis)])];
  e.define(node, e.node("Slice", [e.name(x), ...range], { hint: hintOf(node) }));
};

const emitConcat: Emitter = (e, node) =>
  e.define(
    node,
    e.concat(
      node.inputs.map((v) => e.name(v)),
      axisIndex(node.inputs[0]!, node.attrs.axis),
      hintOf(node),
    ),
  );

const emitConstant: Emitter = (e, node) =>
  e.defineFree(node, (sizes) =>
    e.constant(
      node.dtype as "f32" | "i32" | "bool",
      node.attrs.values as readonly number[],
      sizes as readonly number[],
    ),
  );

const emitIota: Emitter = (e, node) => {
  const start = node.attrs.start as Size;
  const limit = addSizes(start, node.dims[0]!.size);
  e.define(
    node,
    e.node("Range", [e.scalar(start, "i32"), e.scalar(limit, "i32"), e.scalar(1, "i32")], { hint: hintOf(node) }),
  );
};

/** Every primitive; a missing one does not compile. */
export const primitiveEmitters: Readonly<Record<PrimitiveName, Emitter>> = {
  input: emitInput,
  param: emitParam,
  state: emitState,
  constant: emitConstant,
  iota: emitIota,
  abs: simple("Abs"),
  exp: simple("Exp"),
  sqrt: simple("Sqrt"),
  cos: simple("Cos"),
  sin: simple("Sin"),
  tanh: simple("Tanh"),
  erf: simple("Erf"),
  add: simple("Add"),
  sub: simple("Sub"),
  mul: simple("Mul"),
  div: simple("Div"),
  max: simple("Max"),
  less: simple("Less"),
  equal: simple("Equal"),
  and: simple("And"),
  where: emitWhere,
  cast: emitCast,
  broadcast: emitBroadcast,
  reduce_sum: reduce("ReduceSum"),
  reduce_max: reduce("ReduceMax"),
  matmul: emitMatmul,
  rearrange: emitRearrange,
  relabel: emitRelabel,
  slice: emitSlice,
  concat: emitConcat,
  gather: emitGather,
};
