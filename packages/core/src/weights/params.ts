import type { CompileOptions } from "../backend.js";
import { type Programs, paramsOf } from "../graph/graph.js";
import { evaluate } from "../graph/size.js";
import type { Value } from "../graph/value.js";
import { WeightError } from "./report.js";
import type { WeightSource } from "./source.js";

/**
 * The shape of every parameter of some programs against the checkpoint's headers: what a backend does before it reads.
 * @throws WeightError that lists what is missing or has another shape
 */
export function checkParams(programs: Programs, weights: WeightSource): ReadonlyMap<string, Value> {
  const params = new Map(Object.values(programs).flatMap((graph) => [...paramsOf(graph)]));
  const missing: string[] = [];
  const misshaped: { path: string; found: readonly number[]; wanted: readonly number[] }[] = [];
  for (const [path, { dims }] of params) {
    const wanted = dims.map((d) => evaluate(d.size, {}));
    const found = weights.info(path)?.shape;
    if (found === undefined) missing.push(path);
    else if (found.join() !== wanted.join()) misshaped.push({ path, found, wanted });
  }
  if (missing.length + misshaped.length > 0) {
    const lines = [
      ...missing.map((path) => `${path} is missing`),
      ...misshaped.map((m) => `${m.path} is [${m.found.join(" ")}], it must be [${m.wanted.join(" ")}]`),
    ];
    const report = { missing, misshaped, unexpected: [], unused: [] };
    throw new WeightError(`the weights do not fit the programs:\n  ${lines.join("\n  ")}`, report);
  }
  return params;
}

/**
 * Every parameter of some programs, by path, for a backend that holds them as it likes.
 * @param hold makes what is kept of a parameter's float32 numbers, row-major
 */
export async function readParams<T>(
  programs: Programs,
  weights: WeightSource,
  hold: (shape: readonly number[], numbers: Float32Array) => T,
  { signal, onProgress }: Pick<CompileOptions, "signal" | "onProgress"> = {},
): Promise<ReadonlyMap<string, T>> {
  const params = checkParams(programs, weights);
  const held = new Map<string, T>();
  for (const [path, { dims }] of params) {
    signal?.throwIfAborted();
    const numbers = await weights.floats(path, signal && { signal });
    const shape = dims.map((d) => evaluate(d.size, {}));
    held.set(path, hold(shape, numbers));
    onProgress?.(held.size, params.size, path);
  }
  return held;
}
