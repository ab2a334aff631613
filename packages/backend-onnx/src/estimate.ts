import {
  countOf,
  type Env,
  type Graph,
  lower,
  type MemoryEstimate,
  memoryEstimate,
  ops,
  type Programs,
  sessionBytes,
  type Value,
  type WeightSource,
} from "@hulu/core";
import { needed } from "./program.js";
import { supports } from "./supports.js";
import { mappedWeight, storedBytes } from "./weights.js";
import { workBytes } from "./work.js";

const F32 = 4;
/** Matrices are packed by this many columns. */
const PACKED_COLUMNS = 16;
/** The library's pages, its threads, and JavaScript's half: a model of a few numbers, measured on Linux. */
const FIXED = 48 * 2 ** 20;

/**
 * What programs will need, from headers. ONNX Runtime packs each matrix for each program that multiplies by it, in float32;
 * a table that is only looked up in stays in its file, of which hardly a page is touched.
 */
export function estimate(programs: Programs, weights: WeightSource, max: Env): MemoryEstimate {
  const lowered = Object.fromEntries(Object.entries(programs).map(([name, graph]) => [name, lower(graph, supports)]));
  let [held, loading] = [0, 0];
  for (const graph of Object.values(lowered)) {
    const program = weightsOf(graph, weights);
    held += program.held;
    loading = Math.max(loading, held + program.beside);
  }
  return memoryEstimate({
    weights: held,
    loading: Math.max(0, loading - held),
    session: sessionBytes(programs, max.past ?? 0),
    work: workBytes(lowered, max),
    fixed: FIXED,
  });
}

/** What one program's weights take once it is loaded, and beside that while it is. */
function weightsOf(graph: Graph, weights: WeightSource): { readonly held: number; readonly beside: number } {
  const nodes = needed(graph);
  const products = nodes.filter((v) => v.op === ops.linearOp || v.op === ops.matmulOp);
  const packed = new Set(products.map((v) => behindViews(v.inputs[1]!)));
  const tables = new Set(nodes.filter((v) => v.op === ops.gatherOp).map((v) => v.inputs[0]!));
  const read = new Set(nodes.flatMap((v) => (v.op === ops.gatherOp ? v.inputs.slice(1) : v.inputs)).map(behindViews));
  let [held, largest, copied] = [0, 0, 0];
  for (const node of nodes) {
    if (node.op !== ops.paramOp) continue;
    const path = String(node.attrs.path);
    const shape = weights.info(path)?.shape ?? [];
    const mapped = mappedWeight(weights, path) !== undefined;
    const bytes = packed.has(node) ? packedBytes(shape) : read.has(node) ? countOf(shape) * F32 : 0;
    held += bytes;
    // A matrix lies there twice while it is packed; one that is not stored in float32 as it is stored, and converted, too.
    const converted = bytes > 0 && mapped && weights.info(path)?.dtype !== "F32";
    largest = Math.max(largest, converted ? 2 * bytes + storedBytes(weights, path) : bytes);
    if (mapped) continue;
    if (tables.has(node)) held += storedBytes(weights, path);
    copied += storedBytes(weights, path);
  }
  // What is not mapped is read, put into the model, and read from that.
  return { held, beside: largest + 2 * copied };
}

/** `[out, in]` or `[out, ...]`, whose other axes are fused. */
const packedBytes = ([out = 1, ...rest]: readonly number[]): number =>
  Math.ceil(out / PACKED_COLUMNS) * PACKED_COLUMNS * countOf(rest) * F32;

function behindViews(value: Value): Value {
  let at = value;
  while (at.op === ops.rearrangeOp || at.op === ops.relabelOp) at = at.inputs[0]!;
  return at;
}
