import { boundCount, type Env, type NodeCost, ops, type Programs, peakBytes, type Value } from "@hulu/core";
import { needed, usedBy } from "./program.js";

const F32 = 4;

/** Elementwise nodes that ONNX Runtime may compute in the memory of an operand. */
const inPlace: ReadonlySet<Value["op"]> = new Set([
  ...[ops.addOp, ops.subOp, ops.mulOp, ops.divOp, ops.maxOp, ops.absOp, ops.expOp, ops.sqrtOp, ops.tanhOp],
]);

/**
 * What the runs of all programs take, `max` being their sizes. Each program has an arena that grows to its worst run and
 * is kept, so these add up; and what is fed and fetched lies in JavaScript.
 */
export function workBytes(lowered: Programs, max: Env): number {
  let bytes = 0;
  for (const graph of Object.values(lowered)) {
    const order = needed(graph);
    const results = [...Object.values(graph.outputs), ...graph.states.map((s) => s.rows)];
    const cost = (node: Value) => costOf(node, max);
    bytes += peakBytes({ order, kept: results, uses: usedBy, cost });
    for (const value of [...Object.values(graph.inputs), ...results]) bytes += boundCount(value, max) * F32;
  }
  return bytes;
}

function costOf(node: Value, max: Env): NodeCost {
  const { op, inputs, attrs } = node;
  const [first] = inputs;
  const bytes = boundCount(node, max) * (node.dtype === "bool" ? 1 : F32);
  // Fed or mapped, made when asked for (and then small), or spread by the node that reads it.
  if ([ops.inputOp, ops.paramOp, ops.stateOp, ops.constantOp, ops.broadcastOp, ops.appendOp].includes(op as never))
    return { bytes: 0 };
  if (op === ops.relabelOp) return { bytes: 0, viewOf: first };
  if (op === ops.rearrangeOp && ops.rearrangeSteps(node).perm.every((p, i) => p === i))
    return { bytes: 0, viewOf: first };
  if (inPlace.has(op)) return { bytes, over: inputs.find((v) => v.op !== ops.broadcastOp) };
  if (op === ops.geluTanhOp) return { bytes, scratch: bytes };
  if (op === ops.attentionOp)
    return { bytes, scratch: attentionScratch(inputs as readonly [Value, Value, Value], attrs.causal === true, max) };
  return { bytes };
}

/**
 * Queries, keys and values head by head; and behind a session the whole cache once more, old and new positions: the
 * results of GroupQueryAttention that nobody reads. Scores are computed in blocks.
 */
function attentionScratch([q, k, v]: readonly [Value, Value, Value], causal: boolean, max: Env): number {
  const rows = (value: Value) => (causal ? value.inputs[1]! : value);
  const turned = [q, rows(k), rows(v)].reduce((n, value) => n + boundCount(value, max), 0);
  const cache = causal ? boundCount(k, max) + boundCount(v, max) : 0;
  return (turned + cache) * F32;
}
