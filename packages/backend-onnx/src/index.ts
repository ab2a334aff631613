import {
  type Backend,
  type CompileOptions,
  checkParams,
  type Executable,
  type Graph,
  lower,
  type Programs,
  paramsOf,
  sessionOwner,
  type WeightSource,
} from "@hulu/core";
import { checksOf } from "./checks.js";
import { stateShape } from "./emit/leaves.js";
import { estimate } from "./estimate.js";
import { type LoadedProgram, onnxExecutable } from "./executable.js";
import { encodeModel } from "./onnx.js";
import type { OnnxOptions } from "./options.js";
import { emitProgram } from "./program.js";
import { loadModel, loadRuntime } from "./runtime.js";
import { supports } from "./supports.js";
import { Placer } from "./weights.js";

export { ModelTooLargeError, OnnxRuntimeError, OnnxRuntimeMissingError } from "./errors.js";
export type { OnnxOptions } from "./options.js";

/** The ONNX Runtime backend with options of its own. */
export function onnxBackend(options: OnnxOptions = {}): Backend {
  const { threads } = options;
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads > 0))
    throw new RangeError(`threads is a positive whole number, not ${threads}`);
  return Object.freeze({
    name: "onnx",
    origin: { module: import.meta.url, name: "onnxBackend", options: { ...options } },
    supports,
    estimate,
    compile: (programs: Programs, weights: WeightSource, compileOptions: CompileOptions = {}) =>
      compile(programs, weights, compileOptions, options),
  });
}

/** Runs programs on the CPU with onnxruntime-node, in float32, on as many threads as there are physical cores. */
export const onnx: Backend = onnxBackend();

/**
 * All programs are emitted and loaded here, not at their first run: a mistake or a lack of memory shows at once, and the
 * first answer takes no longer than the second. A small program costs a few milliseconds.
 */
async function compile(
  programs: Programs,
  weights: WeightSource,
  { max = {}, signal, onProgress }: CompileOptions,
  options: OnnxOptions,
): Promise<Executable> {
  const graphs = new Map(Object.entries(programs).map(([name, graph]) => [name, lower(graph, supports)]));
  checkParams(programs, weights);
  signal?.throwIfAborted();
  const runtime = await loadRuntime();
  const owner = { ...(await sessionOwner(programs, weights, max)), heads: headsOf(programs) };
  const total = [...graphs.values()].reduce((n, graph) => n + paramsOf(graph).size, 0);
  let done = 0;
  const progress = (path: string) => onProgress?.(++done, total, path);
  const placer = new Placer(weights, signal);
  const loaded = new Map<string, LoadedProgram>();
  try {
    for (const [name, graph] of graphs) loaded.set(name, await load(graph, placer, progress, options));
    signal?.throwIfAborted();
  } catch (error) {
    for (const { model } of loaded.values()) await model.release();
    throw error;
  }
  return onnxExecutable({ runtime, programs: loaded, owner, max });
}

async function load(
  graph: Graph,
  placer: Placer,
  progress: (path: string) => void,
  options: OnnxOptions,
): Promise<LoadedProgram> {
  const placements = await placer.place(paramsOf(graph).keys(), progress);
  const { onnx, outputs, rows } = emitProgram(graph, placements);
  const model = await loadModel(graph.name, encodeModel(onnx), placements.folder, options);
  return { graph, checks: checksOf(graph), model, outputs, rows };
}

/** GroupQueryAttention reads a cache head after head, so sessions store it that way. */
const headsOf = (programs: Programs): ReadonlyMap<string, number> =>
  new Map(Object.values(programs).flatMap((graph) => graph.states.map((s) => [s.name, stateShape(s.past).kv])));
