import {
  type Backend,
  type CompileOptions,
  checkParams,
  type Env,
  type Executable,
  type Programs,
  sessionOwner,
  type WeightSource,
} from "@hulu/core";
import { checkRoom, estimate } from "./estimate.js";
import { tfjsExecutable } from "./executable.js";
import { layoutsOf, prepare } from "./graph.js";
import type { TfjsOptions } from "./options.js";
import { loadRuntime } from "./runtime.js";
import { supports } from "./supports.js";
import { holdWeights } from "./weights.js";

export { TfjsError, TfjsMemoryError, TfjsMissingError } from "./errors.js";
export type { TfjsEngine, TfjsOptions } from "./options.js";

/** The TensorFlow.js backend with options of its own. */
export function tfjsBackend(options: TfjsOptions = {}): Backend {
  const { engine = "wasm" } = options;
  if (engine !== "wasm" && engine !== "cpu") throw new RangeError(`engine is wasm or cpu, not ${String(engine)}`);
  return Object.freeze({
    name: "tfjs",
    origin: { module: import.meta.url, name: "tfjsBackend", options: forWorker(options) },
    supports,
    estimate: (programs: Programs, weights: WeightSource, max: Env) => estimate(programs, weights, max, engine),
    compile: (programs: Programs, weights: WeightSource, compileOptions: CompileOptions = {}) =>
      compile(programs, weights, compileOptions, options),
  });
}

/** A worker that a page starts has no address of its own: what is relative to the page is made absolute. */
function forWorker(options: TfjsOptions): TfjsOptions {
  if (typeof document === "undefined" || typeof document.baseURI !== "string") return { ...options };
  return { ...options, wasmPaths: new URL(options.wasmPaths ?? "./", document.baseURI).href };
}

/** Runs programs with TensorFlow.js on its WebAssembly kernels, in float32, on one thread: in pages and in Node. */
export const tfjs: Backend = tfjsBackend();

async function compile(
  programs: Programs,
  weights: WeightSource,
  compileOptions: CompileOptions,
  options: TfjsOptions,
): Promise<Executable> {
  const { max = {}, signal } = compileOptions;
  const graphs = new Map(Object.entries(programs).map(([name, graph]) => [name, prepare(graph)]));
  checkParams(programs, weights);
  checkRoom(graphs.values(), weights, options.engine ?? "wasm");
  signal?.throwIfAborted();
  const runtime = await loadRuntime(options);
  const owner = await sessionOwner(programs, weights, max);
  const held = await holdWeights(layoutsOf(graphs.values()).values(), weights, runtime, compileOptions);
  return tfjsExecutable({ runtime, graphs, weights: held, owner, max });
}
