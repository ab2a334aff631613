import { type Axis, isPrimitive, type OpDef, ops, type Supports, symbolsOf, type Value } from "@hulu/core";
import { COPY_AXES, copiesOf } from "./copies.js";
import { isView } from "./views.js";

const computed: ReadonlySet<string> = new Set(["f32", "i32", "bool"]);

/** The widest head of the attention kernel. */
const WIDEST_HEAD = 256;

/**
 * Whether a plan has steps for a node as it stands: true, or the reason why not. What it says of a composite means that it is
 * planned by its meaning.
 */
export const supports: Supports = (node) => {
  const strange = [node, ...node.inputs].find((v) => !computed.has(v.dtype));
  if (strange !== undefined) return `${strange.dtype} is not computed with here`;
  if (isPrimitive(node)) return primitive(node);
  return claims.get(node.op)?.(node) ?? "expand me";
};

function primitive(node: Value): true | string {
  if (node.op === ops.paramOp) {
    if (node.dtype !== "f32") return `a weight is f32 here, not ${node.dtype}`;
    if (node.dims.some((d) => symbolsOf(d.size).length > 0)) return "a weight has sizes of numbers";
  }
  if (!moves.has(node.op) || isView(node)) return true;
  const most = Math.max(...copiesOf(node).map((c) => c.axes.length));
  return most <= COPY_AXES || `it moves ${most} axes that do not lie together; a copy takes at most ${COPY_AXES}`;
}

const moves: ReadonlySet<OpDef> = new Set([ops.rearrangeOp, ops.broadcastOp, ops.sliceOp, ops.concatOp]);

const always = (): true => true;

function attention(node: Value): true | string {
  const { size } = node.dims.at(-1) as Axis;
  if (typeof size !== "number") return "the width of a head must be a number";
  return size <= WIDEST_HEAD || `a head of ${size} is wider than ${WIDEST_HEAD}`;
}

/** The composites that there are kernels for. */
const claims: ReadonlyMap<OpDef, (node: Value) => true | string> = new Map<OpDef, (node: Value) => true | string>([
  [ops.linearOp, always],
  [ops.layerNormOp, always],
  [ops.rmsNormOp, always],
  [ops.geluOp, always],
  [ops.geluTanhOp, always],
  [ops.siluOp, always],
  [ops.softmaxOp, always],
  [ops.rotateOp, always],
  [ops.attentionOp, attention],
  [ops.appendOp, always],
  [ops.spliceOp, always],
  [ops.tokenMergeOp, always],
  [ops.frameDifferenceOp, always],
]);
