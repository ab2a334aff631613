import { multiplySizes, type OpDef, ops, printSize, type Size, type Value } from "@hulu/core";
import { hintOf, isFixed, sizesOf } from "../emission.js";
import type { OnnxAttribute } from "../onnx.js";
import { emitAttention, supportsAttention, usedByAttention } from "./attention.js";
import { type Emitter, productOfRows } from "./primitives.js";

/** A composite that is run as it stands. */
export interface Claim {
  /** true, or why this node is expanded. */
  readonly supports: (node: Value) => true | string;
  readonly emit: Emitter;
  /** What must be emitted before it; its inputs unless it looks behind them. */
  readonly uses?: (node: Value) => readonly Value[];
}

const always = (): true => true;

const fused = (
  op: string,
  domain: "" | "com.microsoft",
  attributes: Readonly<Record<string, OnnxAttribute>>,
): Emitter => {
  return (e, node) => e.define(node, e.node(op, [e.name(node.inputs[0]!)], { domain, attributes, hint: hintOf(node) }));
};

function supportsLinear(node: Value): true | string {
  const inner = node.inputs[0]!.dims.at(-1)!.size;
  return isFixed(inner) && inner > 0 ? true : "the width must be fixed and not 0";
}

/** The weight is read as it is stored, [out in]. */
const linear: Emitter = (e, node) => {
  const [x, weight, bias] = node.inputs as [Value, Value, Value?];
  const hint = hintOf(node);
  const product = productOfRows(e, e.name(x), e.name(weight), hint);
  e.define(node, bias === undefined ? product : e.node("Add", [product, e.name(bias)], { hint }));
};

const norm =
  (op: string): Emitter =>
  (e, node) => {
    const attributes = { axis: { int: -1 }, epsilon: { float: Number(node.attrs.eps) } };
    e.define(
      node,
      e.node(
        op,
        node.inputs.map((v) => e.name(v)),
        { attributes, hint: hintOf(node) },
      ),
    );
  };

function supportsRotate(node: Value): true | string {
  const [head, dim] = node.dims.slice(-2).map((d) => d.size) as [Size, Size];
  if (!isFixed(head) || !isFixed(dim)) return "the number of heads and their width must be fixed";
  return true;
}

/** RotaryEmbedding on `[batch, seq, head*dim]` with tables for each token, `[batch, seq, dim/2]`. */
const rotate: Emitter = (e, node) => {
  const [x, cos, sin] = node.inputs as [Value, Value, Value];
  const hint = hintOf(node);
  const sizes = sizesOf(node.dims);
  const [seq, head, dim] = sizes.slice(-3) as [Size, number, number];
  const batch = multiplySizes(...sizes.slice(0, -3));
  const flat = [batch, seq, multiplySizes(head, dim)];
  const table = (of: Value): string => {
    const shape = [batch, seq, dim / 2];
    const one = e.view(of, [1, seq, dim / 2]);
    if (batch === 1) return one;
    return e.once(`${one} for each of ${printSize(batch)}`, () => e.node("Expand", [one, e.shape(shape)], { hint }));
  };
  const rotated = e.node("RotaryEmbedding", [e.view(x, flat), table(cos), table(sin)], {
    attributes: {
      num_heads: { int: head },
      interleaved: { int: node.attrs.pairing === "interleaved" ? 1 : 0 },
    },
    hint,
  });
  e.define(node, rotated, flat);
};

/** The past and this run's rows as one value: only for those that do not read the session's storage themselves. */
const append: Emitter = (e, node) =>
  e.defer(node, () => {
    const [past, rows] = node.inputs as [Value, Value];
    e.define(node, e.concat([e.name(past), e.name(rows)], 1, hintOf(node)));
  });

export const claims: ReadonlyMap<OpDef, Claim> = new Map<OpDef, Claim>([
  [ops.linearOp, { supports: supportsLinear, emit: linear }],
  [ops.rmsNormOp, { supports: always, emit: norm("SimplifiedLayerNormalization") }],
  [ops.layerNormOp, { supports: always, emit: norm("LayerNormalization") }],
  [ops.geluOp, { supports: always, emit: fused("Gelu", "", {}) }],
  [ops.geluTanhOp, { supports: always, emit: fused("Gelu", "", { approximate: { text: "tanh" } }) }],
  [ops.siluOp, { supports: always, emit: fused("QuickGelu", "com.microsoft", { alpha: { float: 1 } }) }],
  [ops.softmaxOp, { supports: always, emit: fused("Softmax", "", { axis: { int: -1 } }) }],
  [ops.rotateOp, { supports: supportsRotate, emit: rotate }],
  [ops.appendOp, { supports: always, emit: append }],
  [ops.attentionOp, { supports: supportsAttention, emit: emitAttention, uses: usedByAttention }],
]);
