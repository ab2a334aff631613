import {
  type Env,
  type Executable,
  evaluate,
  FeedError,
  type Graph,
  type HostResults,
  type HostSession,
  type HostTensor,
  hostExecutable,
  type SessionOwner,
} from "@hulu/core";
import { type Checks, runChecks } from "./checks.js";
import { stateShape } from "./emit/leaves.js";
import { OnnxRuntimeError } from "./errors.js";
import type { EmittedProgram } from "./program.js";
import type { LoadedModel, loadRuntime, OrtTensor } from "./runtime.js";

/** A program ready to run. */
export interface LoadedProgram extends Pick<EmittedProgram, "outputs" | "rows"> {
  readonly graph: Graph;
  readonly checks: Checks;
  readonly model: LoadedModel;
}

export interface LoadedPrograms {
  readonly runtime: Awaited<ReturnType<typeof loadRuntime>>;
  readonly programs: ReadonlyMap<string, LoadedProgram>;
  readonly owner: SessionOwner;
  readonly max: Env;
}

type Feeds = Record<string, OrtTensor>;

/** Programs that ONNX Runtime has loaded, behind the contract of a backend. */
export function onnxExecutable({ runtime, programs, owner, max }: LoadedPrograms): Executable {
  return hostExecutable<LoadedProgram>({
    programs,
    owner,
    max,
    compute: async ({ program, env, fed, session }) => {
      runChecks(program.graph.name, program.checks, fed, env);
      const feeds = new FeedMaker(runtime, program, env).all(fed, session);
      const results = await runModel(program, feeds, session !== undefined);
      return { outputs: outputsOf(program, results), rows: rowsOf(program, results, session !== undefined) };
    },
    release: () => {
      for (const { model } of programs.values()) void model.release().catch(() => {});
    },
  });
}

/** Makes a run's feeds: what the caller fed, the sizes, and what belongs to the cache. */
class FeedMaker {
  constructor(
    readonly runtime: LoadedPrograms["runtime"],
    readonly loaded: LoadedProgram,
    readonly env: Env,
  ) {}

  all(fed: ReadonlyMap<string, HostTensor>, session: HostSession | undefined): Feeds {
    const feeds: Feeds = {};
    const wanted = new Set(this.loaded.model.inputNames);
    for (const [name, { dtype, shape, data }] of fed) feeds[name] = this.#tensor(dtype, data, shape);
    for (const [symbol, value] of Object.entries(this.env))
      if (wanted.has(`size:${symbol}`)) feeds[`size:${symbol}`] = this.#int64(value);
    for (const { name, past, rows } of this.loaded.graph.states) {
      if (!wanted.has(`past:${name}`)) continue;
      const { kv, dim } = stateShape(past);
      const { data, capacity } = session?.storage(name) ?? { data: new Float32Array(0), capacity: 0 };
      const [batch, grows] = [past.dims[0]!, rows.dims[1]!].map((d) => evaluate(d.size, this.env)) as [number, number];
      // GroupQueryAttention wants a cache for each of a batch; the form for no positions wants one.
      const copies = batch * grows === 0 ? 1 : batch;
      feeds[`past:${name}`] = this.#tensor("f32", data, [copies, kv, capacity, dim]);
    }
    if (wanted.has("decoding")) this.#lengths(feeds);
    return feeds;
  }

  #lengths(feeds: Feeds): void {
    const { past, rows } = this.loaded.graph.states[0]!;
    const [batch, held, grows] = [past.dims[0]!, past.dims[1]!, rows.dims[1]!].map((d) =>
      evaluate(d.size, this.env),
    ) as [number, number, number];
    const { Tensor } = this.runtime;
    const total = held + grows;
    // GroupQueryAttention refuses a run of no positions; the other form gives nothing for nothing.
    const decoding = batch * grows === 0 || (batch === 1 && grows === 1 && held > 0);
    feeds.decoding = new Tensor("bool", Uint8Array.of(Number(decoding)), [1]);
    feeds.seqlens_k = this.#tensor("i32", new Int32Array(batch).fill(total - 1), [batch]);
    feeds.total_sequence_length = this.#tensor("i32", Int32Array.of(total), [1]);
  }

  #tensor(dtype: "f32" | "i32", data: Float32Array | Int32Array, shape: readonly number[]): OrtTensor {
    const { Tensor } = this.runtime;
    return dtype === "f32"
      ? new Tensor("float32", data as Float32Array, shape)
      : new Tensor("int32", data as Int32Array, shape);
  }

  #int64(value: number): OrtTensor {
    return new this.runtime.Tensor("int64", BigInt64Array.of(BigInt(value)), [1]);
  }
}

/** Run, and fetch the outputs, and a session's new rows only where there is a session. */
async function runModel(
  { graph, model, outputs, rows }: LoadedProgram,
  feeds: Feeds,
  withRows: boolean,
): Promise<Readonly<Record<string, OrtTensor>>> {
  const fetches = [...outputs.values(), ...(withRows ? rows.values() : [])];
  try {
    return await model.run(feeds, fetches);
  } catch (cause) {
    if (cause instanceof Error && cause.message.includes("indices element out of data bounds"))
      throw new FeedError(`${graph.name}: a computed index is outside its table`, { cause });
    throw new OnnxRuntimeError(graph.name, "run", cause);
  }
}

function rowsOf(
  { rows }: LoadedProgram,
  results: Readonly<Record<string, OrtTensor>>,
  fetched: boolean,
): HostResults["rows"] {
  if (!fetched) return new Map();
  return new Map([...rows].map(([state, name]) => [state, results[name]!.data as Float32Array]));
}

function outputsOf(
  { graph, outputs }: LoadedProgram,
  results: Readonly<Record<string, OrtTensor>>,
): HostResults["outputs"] {
  const tensors = Object.keys(graph.outputs).map((name) => {
    const { dims, data } = results[outputs.get(name)!]!;
    const dtype = data instanceof Float32Array ? "f32" : "i32";
    return [name, { dtype, shape: dims, data: data as Float32Array | Int32Array }];
  });
  return Object.fromEntries(tensors);
}
