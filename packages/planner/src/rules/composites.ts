import { type Axis, type OpDef, ops, type Size, type Value } from "@hulu/core";
import { straight } from "../plan/copies.js";
import { type Emission, none } from "../plan/emission.js";
import { countOf, product, rowsOf, widthOf } from "../plan/sizes.js";
import type { Place } from "../plan.js";
import { unaryOp } from "./op-numbers.js";
import type { Emit } from "./rule.js";

const places = (e: Emission, node: Value): Place[] => node.inputs.map((i) => e.place(i));

const layerNorm: Emit = (e, node) => {
  const [x, weight, bias] = places(e, node) as [Place, Place, Place];
  const params = { rows: rowsOf(node), width: widthOf(node), eps: Number(node.attrs.eps) };
  e.call("layer_norm", node.scope, { x, weight, bias, y: e.result(node) }, params);
};

const rmsNorm: Emit = (e, node) => {
  const [x, weight] = places(e, node) as [Place, Place];
  const params = { rows: rowsOf(node), width: widthOf(node), eps: Number(node.attrs.eps) };
  e.call("rms_norm", node.scope, { x, weight, y: e.result(node) }, params);
};

const activation: Emit = (e, node) => {
  const [x] = places(e, node) as [Place];
  e.call("unary", node.scope, { x, y: e.result(node) }, { count: countOf(node), op: unaryOp(node.op.name) });
};

const softmax: Emit = (e, node) => {
  const [x] = places(e, node) as [Place];
  e.call("softmax", node.scope, { x, y: e.result(node) }, { rows: rowsOf(node), width: widthOf(node) });
};

/** The sizes of a rotation: x is `[... seq heads dim]`. */
export function rotationSizes(node: Value): Readonly<Record<"rows" | "seq" | "heads" | "dim" | "interleaved", Size>> {
  const [seq, heads, dim] = node.dims.slice(-3).map((d) => d.size) as [Size, Size, Size];
  const interleaved = Number(node.attrs.pairing === "interleaved");
  return { rows: product(node.dims.slice(0, -2)), seq, heads, dim, interleaved };
}

const rotate: Emit = (e, node) => {
  const [x, cos, sin] = places(e, node) as [Place, Place, Place];
  e.call("rotate", node.scope, { x, cos, sin, y: e.result(node) }, rotationSizes(node));
};

const attention: Emit = (e, node) => {
  const [q, k, v, segments = none] = places(e, node) as [Place, Place, Place, Place?];
  const [batch, seq, heads, dim] = node.dims.map((d) => d.size) as [Size, Size, Size, Size];
  const { 1: ctx, 2: kv } = node.inputs[1]!.dims as readonly [Axis, Axis, Axis];
  const { scale, causal, window = 0, softcap = 0 } = node.attrs;
  e.call(
    "attention",
    node.scope,
    { q, k, v, segments, y: e.result(node) },
    {
      ...{ batch, seq, ctx: ctx.size, heads, kv: kv.size, dim },
      ...{ scale: Number(scale), causal: Number(causal === true), window: Number(window), softcap: Number(softcap) },
      segments: Number(segments.kind !== "none"),
    },
  );
};

/**
 * The rows of a run go behind those of its session. Sessions hold one conversation, so that what is past is one piece; without
 * a session nothing is past, and there may be several.
 */
const append: Emit = (e, node) => {
  const [state, rows] = node.inputs as [Value, Value];
  const past = product(state.dims.slice(1));
  const held: Place = { kind: "state", name: String(state.attrs.name) };
  const count = countOf(rows);
  let from = e.place(rows);
  if (from.kind === "state" && from.name === held.name) {
    // No kernel reads a buffer that it writes.
    from = e.slot(count);
    e.move(rows, from);
  }
  e.copy(node.scope, from, held, countOf(node), straight(count, 0, past));
};

const splice: Emit = (e, node) => {
  const [text, visual, index] = places(e, node) as [Place, Place, Place];
  const params = { rows: rowsOf(node), width: widthOf(node), visuals: node.inputs[1]!.dims[0]!.size };
  e.call("splice", node.scope, { text, visual, index, y: e.result(node) }, params);
};

const tokenMerge: Emit = (e, node) => {
  const [x, weights] = places(e, node) as [Place, Place];
  const params = { rows: rowsOf(node), window: countOf(node.inputs[1]!), width: widthOf(node) };
  e.call("token_merge", node.scope, { x, weights, y: e.result(node) }, params);
};

const frameDifference: Emit = (e, node) => {
  const [x, before] = places(e, node) as [Place, Place];
  const [frames, tokens, width] = node.inputs[0]!.dims.map((d) => d.size) as [Size, Size, Size];
  e.call("frame_difference", node.scope, { x, before, y: e.result(node) }, { frames, tokens, width });
};

/** How each composite that is planned as it stands is computed by itself; `linear` has a rule of its own. */
export const composites: ReadonlyMap<OpDef, Emit> = new Map<OpDef, Emit>([
  [ops.layerNormOp, layerNorm],
  [ops.rmsNormOp, rmsNorm],
  [ops.geluOp, activation],
  [ops.geluTanhOp, activation],
  [ops.siluOp, activation],
  [ops.softmaxOp, softmax],
  [ops.rotateOp, rotate],
  [ops.attentionOp, attention],
  [ops.appendOp, append],
  [ops.spliceOp, splice],
  [ops.tokenMergeOp, tokenMerge],
  [ops.frameDifferenceOp, frameDifference],
]);
