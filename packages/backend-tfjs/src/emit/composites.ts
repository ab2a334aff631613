import { type OpDef, ops, type Value } from "@hulu/core";
import type { Emitter } from "../emission.js";
import { transposedOp } from "../layout.js";
import { attention, supportsAttention } from "./attention.js";
import { rowsTimesMatrix } from "./products.js";

/** A composite that is run as it stands. */
export interface Claim {
  /** true, or why this node is expanded. */
  readonly supports: (node: Value) => true | string;
  readonly emit: Emitter;
}

const always = (): true => true;

function supportsLinear(node: Value): true | string {
  const inner = node.inputs[0]!.dims.at(-1)!.size;
  return typeof inner === "number" && inner > 0 ? true : "the width must be fixed and not 0";
}

const linear: Emitter = (e, node) => {
  const [x, weight, bias] = node.inputs as [Value, Value, Value?];
  const matrix = weight.op === transposedOp ? e.thin(weight) : e.tf.transpose(e.full(weight));
  const product = rowsTimesMatrix(e, e.full(x), matrix);
  // Not fused: XNNPACK would pack a matrix once more for each bias that it meets.
  return bias === undefined ? product : e.tf.add(product, e.full(bias));
};

const softmax: Emitter = (e, node) => e.tf.softmax(e.full(node.inputs[0]!));

/** x sigmoid(x): the same function. */
const silu: Emitter = (e, node) => {
  const x = e.thin(node.inputs[0]!);
  return e.tf.mul(x, e.tf.sigmoid(x));
};

export const claims: ReadonlyMap<OpDef, Claim> = new Map<OpDef, Claim>([
  [ops.linearOp, { supports: supportsLinear, emit: linear }],
  [ops.softmaxOp, { supports: always, emit: softmax }],
  [ops.siluOp, { supports: always, emit: silu }],
  [ops.attentionOp, { supports: supportsAttention, emit: attention }],
]);
