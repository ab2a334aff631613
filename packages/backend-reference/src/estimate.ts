import {
  boundCount,
  countOf,
  type Env,
  lower,
  type MemoryEstimate,
  memoryEstimate,
  type NodeCost,
  ops,
  type Programs,
  paramsOf,
  peakBytes,
  primitivesOnly,
  rootsOf,
  sessionBytes,
  topological,
  type Value,
  type WeightSource,
} from "@hulu/core";

const F64 = 8;

/**
 * What is alive at one time. JavaScript frees later than that, so a run may take more where there is memory to spare.
 */
export function estimate(programs: Programs, weights: WeightSource, max: Env): MemoryEstimate {
  const lowered = Object.values(programs).map((graph) => lower(graph, primitivesOnly));
  const params = [...new Set(lowered.flatMap((graph) => [...paramsOf(graph).keys()]))];
  const counts = params.map((path) => countOf(weights.info(path)?.shape ?? []));
  const runs = lowered.map((graph) => {
    const kept = rootsOf(graph);
    return peakBytes({ order: topological(kept), kept, uses: (v) => v.inputs, cost: (v) => costOf(v, max) });
  });
  return memoryEstimate({
    weights: counts.reduce((n, count) => n + count * F64, 0),
    // One weight at a time is there as it is stored (at most in float64) and in float32.
    loading: counts.reduce((most, count) => Math.max(most, count * (F64 + 4)), 0),
    session: sessionBytes(programs, max.past ?? 0),
    work: Math.max(0, ...runs),
    fixed: 0,
  });
}

function costOf(node: Value, max: Env): NodeCost {
  if (node.op === ops.paramOp) return { bytes: 0 };
  const same = node.op === ops.relabelOp || (node.op === ops.castOp && node.dtype === "f32");
  return { bytes: boundCount(node, max) * F64, viewOf: same ? node.inputs[0] : undefined };
}
