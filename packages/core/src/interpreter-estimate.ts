import { type MemoryEstimate, memoryEstimate } from "./backend.js";
import { type Programs, paramsOf, rootsOf, topological } from "./graph/graph.js";
import { boundCount, type NodeCost, peakBytes } from "./graph/liveness.js";
import { lower, primitivesOnly } from "./graph/rewrite.js";
import type { Env } from "./graph/size.js";
import type { Value } from "./graph/value.js";
import { castOp } from "./ops/elementwise.js";
import { paramOp } from "./ops/leaves.js";
import { relabelOp } from "./ops/shape.js";
import { sessionBytes } from "./session.js";
import { countOf } from "./tensor.js";
import type { WeightSource } from "./weights/source.js";

/**
 * What an interpreter of primitives takes that holds weights and values with so many bytes a number: what is alive at one
 * time. JavaScript frees later than that, so a run may take more where there is memory to spare.
 */
export function interpreterEstimate(
  programs: Programs,
  weights: WeightSource,
  max: Env,
  bytes: number,
): MemoryEstimate {
  const lowered = Object.values(programs).map((graph) => lower(graph, primitivesOnly));
  const params = [...new Set(lowered.flatMap((graph) => [...paramsOf(graph).keys()]))];
  const counts = params.map((path) => countOf(weights.info(path)?.shape ?? []));
  const runs = lowered.map((graph) => {
    const kept = rootsOf(graph);
    return peakBytes({ order: topological(kept), kept, uses: (v) => v.inputs, cost: (v) => costOf(v, max, bytes) });
  });
  return memoryEstimate({
    weights: counts.reduce((n, count) => n + count * bytes, 0),
    // One weight at a time is there as it is stored (at most in float64) and in float32.
    loading: counts.reduce((most, count) => Math.max(most, count * (8 + 4)), 0),
    session: sessionBytes(programs, max.past ?? 0),
    work: Math.max(0, ...runs),
    fixed: 0,
  });
}

function costOf(node: Value, max: Env, bytes: number): NodeCost {
  if (node.op === paramOp) return { bytes: 0 };
  const same = node.op === relabelOp || (node.op === castOp && node.dtype === "f32");
  return { bytes: boundCount(node, max) * bytes, viewOf: same ? node.inputs[0] : undefined };
}
