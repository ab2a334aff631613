import {
  bindSizes,
  type Env,
  type Executable,
  evaluate,
  type Feed,
  FeedError,
  feedsOnHost,
  type Graph,
  HostSession,
  type HostTensor,
  type RunOptions,
  reserveRows,
  resultOnHost,
  SessionError,
  type SessionOwner,
  type Tensor,
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
export class OnnxExecutable implements Executable {
  #loaded: LoadedPrograms | undefined;
  readonly #owner: SessionOwner;

  constructor(loaded: LoadedPrograms) {
    this.#loaded = loaded;
    this.#owner = loaded.owner;
  }

  async run(
    program: string,
    inputs: Readonly<Record<string, Feed>>,
    { session, signal }: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    signal?.throwIfAborted();
    const { programs } = this.#alive();
    const loaded = programs.get(program);
    if (loaded === undefined)
      throw new FeedError(`there is no program ${program}; there are ${[...programs.keys()].join(", ")}`);
    if (session === undefined) return this.#runIn(loaded, inputs, undefined, signal);
    if (!(session instanceof HostSession && session.belongsTo(this.#owner)))
      throw new SessionError("the session belongs to another model");
    // Its turn comes before its feeds are read: a run with quicker feeds must not overtake it.
    return session.inTurn(() => this.#runIn(loaded, inputs, session, signal));
  }

  createSession(options?: { readonly capacity?: number; readonly from?: Uint8Array }): HostSession {
    this.#alive();
    return new HostSession(this.#owner, options);
  }

  dispose(): void {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    for (const { model } of loaded?.programs.values() ?? []) void model.release();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #runIn(
    loaded: LoadedProgram,
    inputs: Readonly<Record<string, Feed>>,
    session: HostSession | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Tensor>> {
    const { graph } = loaded;
    const fed = await feedsOnHost(graph, inputs);
    signal?.throwIfAborted();
    const { runtime, max } = this.#alive();
    const past = session?.length ?? 0;
    const env = bindSizes(graph, new Map([...fed].map(([name, t]) => [name, t.shape])), { past }, max);
    runChecks(graph.name, loaded.checks, fed, env);
    const grows = session === undefined ? 0 : reserveRows(graph, session, env);
    const feeds = new FeedMaker(runtime, loaded, env).all(fed, session);
    const results = await runModel(loaded, feeds, session !== undefined).catch((error: unknown) => {
      this.#alive();
      throw error;
    });
    signal?.throwIfAborted();
    if (session !== undefined) keepRows(loaded, session, past, grows, results);
    return outputsOf(loaded, results);
  }

  #alive(): LoadedPrograms {
    if (this.#loaded === undefined) throw new SessionError("the model was disposed");
    return this.#loaded;
  }
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

function keepRows(
  { rows }: LoadedProgram,
  session: HostSession,
  past: number,
  grows: number,
  results: Readonly<Record<string, OrtTensor>>,
): void {
  if (session.length !== past) throw new SessionError("the session was changed while a run was using it");
  session.append(new Map([...rows].map(([state, name]) => [state, results[name]!.data as Float32Array])), grows);
}

function outputsOf(
  { graph, outputs }: LoadedProgram,
  results: Readonly<Record<string, OrtTensor>>,
): Record<string, Tensor> {
  const tensors = Object.keys(graph.outputs).map((name) => {
    const { dims, data } = results[outputs.get(name)!]!;
    const dtype = data instanceof Float32Array ? "f32" : "i32";
    return [name, resultOnHost({ dtype, shape: dims, data: data as Float32Array | Int32Array })];
  });
  return Object.fromEntries(tensors);
}
