import {
  boundCount,
  boundSize,
  countOf,
  type Env,
  type Graph,
  type MemoryEstimate,
  memoryEstimate,
  type NodeCost,
  ops,
  type Programs,
  peakBytes,
  sessionBytes,
  type Value,
  type WeightSource,
} from "@hulu/core";
import { TfjsMemoryError } from "./errors.js";
import { layoutsOf, needed, prepare, resultsOf } from "./graph.js";
import { layoutOf } from "./layout.js";
import type { TfjsEngine } from "./options.js";

const F32 = 4;

/**
 * What programs will need, from headers: weights in float32, in each layout that they are multiplied or looked up in. Of
 * TensorFlow.js itself (kernels, the WebAssembly module) nothing is known here.
 */
export function estimate(programs: Programs, weights: WeightSource, max: Env, engine: TfjsEngine): MemoryEstimate {
  const graphs = Object.values(programs).map(prepare);
  const largest = [...layoutsOf(graphs).values()].map(({ path }) => countOf(weights.info(path)?.shape ?? []));
  return memoryEstimate({
    weights: weightBytes(graphs, weights, engine),
    // One weight at a time is in JavaScript: as it was read, in float32, and transposed.
    loading: 3 * F32 * Math.max(0, ...largest),
    session: sessionBytes(programs, max.past ?? 0),
    work: Math.max(0, ...graphs.map((graph) => runBytes(graph, max))),
    fixed: 0,
  });
}

/** What a run holds at once, and its results as they are copied out. */
function runBytes(graph: Graph, max: Env): number {
  const order = needed(graph);
  const results = resultsOf(graph);
  // What is fed is let go of at the end.
  const fed = order.filter((v) => v.op === ops.inputOp || v.op === ops.stateOp);
  const kept = [...results, ...fed];
  const copied = results.reduce((n, value) => n + boundCount(value, max) * F32, 0);
  return copied + peakBytes({ order, kept, uses: (v) => v.inputs, cost: (v) => costOf(v, max) });
}

function costOf(node: Value, max: Env): NodeCost {
  if (layoutOf(node) !== undefined) return { bytes: 0 };
  const bytes = boundCount(node, max) * (node.dtype === "bool" ? 1 : F32);
  if (node.op === ops.relabelOp) return { bytes, viewOf: node.inputs[0] };
  return node.op === ops.attentionOp ? { bytes, scratch: attentionScratch(node, max) } : { bytes };
}

/** Heads in front, and apart; the mask; and the scores of one key head's queries, masked and as weights. */
function attentionScratch({ inputs }: Value, max: Env): number {
  const [q, k, v] = inputs as readonly [Value, Value, Value];
  const [seq, head] = q.dims.slice(1, 3).map((d) => boundSize(d.size, max)) as [number, number];
  const [ctx, kv] = k.dims.slice(1, 3).map((d) => boundSize(d.size, max)) as [number, number];
  const moved = 3 * boundCount(q, max) + 2 * boundCount(k, max) + 2 * boundCount(v, max);
  return (moved + 4 * (1 + head / kv) * seq * ctx) * F32;
}

/** XNNPACK, which multiplies on wasm, packs each matrix into a copy of its own at its first product, and keeps it. */
function weightBytes(graphs: Iterable<Graph>, weights: WeightSource, engine: TfjsEngine): number {
  let bytes = 0;
  for (const { path, transposed } of layoutsOf(graphs).values()) {
    const copies = transposed !== undefined && engine === "wasm" ? 2 : 1;
    bytes += countOf(weights.info(path)?.shape ?? []) * F32 * copies;
  }
  return bytes;
}

/** Of the 4 GiB that a WebAssembly heap can have; the rest is for what runs make, and for what lies between. */
const MOST_ON_WASM = 3.5 * 2 ** 30;

/** @throws TfjsMemoryError when the weights leave no room to compute in */
export function checkRoom(graphs: Iterable<Graph>, weights: WeightSource, engine: TfjsEngine): void {
  const bytes = weightBytes(graphs, weights, engine);
  if (engine === "wasm" && bytes > MOST_ON_WASM)
    throw new TfjsMemoryError(
      `the weights take ${bytes} bytes in float32, packed matrices included; a WebAssembly heap has room for ${MOST_ON_WASM}`,
    );
}
