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
  type Value,
} from "@hulu/core";
import { type Closure, closure } from "./closure.js";
import type { Leaves } from "./emission.js";
import { TfjsError, TfjsMemoryError } from "./errors.js";
import type { Runtime, TfTensor } from "./runtime.js";
import type { HeldWeights } from "./weights.js";

export interface LoadedPrograms {
  readonly runtime: Runtime;
  /** As `prepare` gives them. */
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly weights: HeldWeights;
  readonly owner: SessionOwner;
  readonly max: Env;
}

interface LoadedProgram {
  readonly graph: Graph;
  readonly run: Closure;
}

/** Programs whose weights TensorFlow.js holds, behind the contract of a backend. */
export class TfjsExecutable implements Executable {
  #loaded: LoadedPrograms | undefined;
  readonly #programs: ReadonlyMap<string, LoadedProgram>;
  readonly #owner: SessionOwner;

  constructor(loaded: LoadedPrograms) {
    this.#loaded = loaded;
    this.#owner = loaded.owner;
    this.#programs = new Map([...loaded.graphs].map(([name, graph]) => [name, { graph, run: closure(graph) }]));
  }

  async run(
    program: string,
    inputs: Readonly<Record<string, Feed>>,
    { session, signal }: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    signal?.throwIfAborted();
    this.#alive();
    const loaded = this.#programs.get(program);
    if (loaded === undefined)
      throw new FeedError(`there is no program ${program}; there are ${[...this.#programs.keys()].join(", ")}`);
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
    loaded?.weights.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #runIn(
    { graph, run }: LoadedProgram,
    inputs: Readonly<Record<string, Feed>>,
    session: HostSession | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Tensor>> {
    const fed = await feedsOnHost(graph, inputs);
    await this.#alive().runtime.settled();
    signal?.throwIfAborted();
    // From here on nothing waits, so nothing else can change the session or be active in TensorFlow.js.
    const { runtime, weights, max } = this.#alive();
    const env = bindSizes(
      graph,
      new Map([...fed].map(([name, t]) => [name, t.shape])),
      { past: session?.length ?? 0 },
      max,
    );
    const grows = session === undefined ? 0 : reserveRows(graph, session, env);
    const compute = (): Computed => {
      const leaves = leavesOf(runtime, { graph, env, fed, weights, session });
      return read(graph, run(runtime.tf, leaves, env), session !== undefined);
    };
    const { outputs, rows } = named(graph, () => runtime.within(() => tidied(runtime, compute)));
    session?.append(rows, grows);
    return outputs;
  }

  #alive(): LoadedPrograms {
    if (this.#loaded === undefined) throw new SessionError("the model was disposed");
    return this.#loaded;
  }
}

/** What a run gave, on the host. */
interface Computed {
  readonly outputs: Record<string, Tensor>;
  readonly rows: ReadonlyMap<string, Float32Array>;
}

/** `tf.tidy` for a body that gives no tensor. */
function tidied<T>({ tf }: Runtime, body: () => T): T {
  let result: T | undefined;
  tf.tidy(() => {
    result = body();
  });
  return result as T;
}

/** @throws TfjsError for what TensorFlow.js says, and nobody here */
function named<T>(graph: Graph, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof FeedError || error instanceof TfjsMemoryError) throw error;
    throw new TfjsError(graph.name, error);
  }
}

interface Run {
  readonly graph: Graph;
  readonly env: Env;
  readonly fed: ReadonlyMap<string, HostTensor>;
  readonly weights: HeldWeights;
  readonly session: HostSession | undefined;
}

const leavesOf = ({ tf }: Runtime, { graph, env, fed, weights, session }: Run): Leaves => ({
  input: (name) => {
    const { dtype, shape, data } = fed.get(name) as HostTensor;
    return tf.tensor(data, [...shape], dtype === "f32" ? "float32" : "int32");
  },
  state: (name) => {
    const { past } = graph.states.find((s) => s.name === name)!;
    const shape = past.dims.map((d) => evaluate(d.size, env));
    return tf.tensor(session?.rows(name) ?? new Float32Array(0), shape, "float32");
  },
  weight: (layout) => weights.get(layout),
});

function read(graph: Graph, values: ReadonlyMap<Value, TfTensor>, withRows: boolean): Computed {
  const tensorOf = (value: Value) => values.get(value) as TfTensor;
  const outputs = Object.entries(graph.outputs).map(([name, value]) => [name, onHost(value, tensorOf(value))]);
  const rows = withRows ? graph.states.map((s) => [s.name, tensorOf(s.rows).dataSync<"float32">()] as const) : [];
  return { outputs: Object.fromEntries(outputs), rows: new Map(rows) };
}

/**
 * Results leave TensorFlow.js at once: what is given back is small, and a result that somebody forgets would hold a part
 * of a heap that cannot grow past 4 GiB. The numbers are copied, as those of the cpu engine may be a weight's own.
 */
function onHost({ dtype }: Value, tensor: TfTensor): Tensor {
  const numbers = tensor.dataSync();
  const data = dtype === "f32" ? Float32Array.from(numbers) : Int32Array.from(numbers);
  return resultOnHost({ dtype: dtype === "f32" ? "f32" : "i32", shape: tensor.shape, data });
}
