import {
  countOf,
  type Env,
  lower,
  type MemoryEstimate,
  ops,
  type Programs,
  stateWidths,
  type WeightSource,
} from "@hulu/core";
import { needed } from "./program.js";
import { supports } from "./supports.js";

const F32 = 4;

/**
 * What programs will need, from headers. A weight is float32 in each program that computes with it (ONNX Runtime packs
 * matrices for each); a table that is only looked up in stays in its file, and is counted when it lies in memory.
 */
export function estimate(programs: Programs, weights: WeightSource, max: Env): MemoryEstimate {
  let bytes = 0;
  for (const program of Object.values(programs)) {
    const nodes = needed(lower(program, supports));
    const tables = new Set(nodes.filter((v) => v.op === ops.gatherOp).map((v) => v.inputs[0]!));
    const computed = new Set(nodes.flatMap((v) => (v.op === ops.gatherOp ? v.inputs.slice(1) : v.inputs)));
    for (const node of nodes) {
      if (node.op !== ops.paramOp) continue;
      const path = String(node.attrs.path);
      const mapped = tables.has(node) && !computed.has(node) && weights.locate?.(path) !== undefined;
      if (!mapped) bytes += countOf(weights.info(path)?.shape ?? []) * F32;
    }
  }
  const width = [...stateWidths(programs).values()].reduce((n, w) => n + w, 0);
  return { weights: bytes, session: width * F32 * (max.past ?? 0) };
}
