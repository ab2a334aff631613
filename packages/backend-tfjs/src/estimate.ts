import {
  countOf,
  type Env,
  type Graph,
  type MemoryEstimate,
  type Programs,
  stateWidths,
  type WeightSource,
} from "@hulu/core";
import { TfjsMemoryError } from "./errors.js";
import { layoutsOf, prepare } from "./graph.js";
import type { TfjsEngine } from "./options.js";

const F32 = 4;

/** What programs will need, from headers: weights in float32, in each layout that they are multiplied or looked up in. */
export function estimate(programs: Programs, weights: WeightSource, max: Env, engine: TfjsEngine): MemoryEstimate {
  const width = [...stateWidths(programs).values()].reduce((n, w) => n + w, 0);
  return {
    weights: weightBytes(Object.values(programs).map(prepare), weights, engine),
    session: width * F32 * (max.past ?? 0),
  };
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
