import { type Executable, type Feed, type HostTensor, type RunOptions, SessionError, type Tensor } from "./backend.js";
import { feedsOnHost, reserveRows } from "./feeds.js";
import { bindSizes, FeedError } from "./graph/bind.js";
import type { Graph } from "./graph/graph.js";
import type { Env } from "./graph/size.js";
import type { Value } from "./graph/value.js";
import { HostSession, type SessionOwner } from "./session.js";
import { resultOnHost } from "./tensor.js";

/** A run to compute: its feeds are checked, its sizes bound, and its session has room for what it adds. */
export interface HostRun<P> {
  readonly program: P;
  readonly env: Env;
  readonly fed: ReadonlyMap<string, HostTensor>;
  readonly session: HostSession | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What a run gave: the outputs by name, and for its session the new rows of each state. */
export interface HostResults {
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly rows: ReadonlyMap<string, Float32Array>;
}

/**
 * The results of a run from any value's numbers, whatever kind of array holds them; they are copied.
 * @param withRows whether there is a session to keep the new rows
 */
export function hostResults(
  graph: Graph,
  numbersOf: (value: Value) => { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  withRows = true,
): HostResults {
  const onHost = (value: Value): HostTensor => {
    const { shape, data } = numbersOf(value);
    return value.dtype === "f32"
      ? { dtype: "f32", shape, data: Float32Array.from(data) }
      : { dtype: "i32", shape, data: Int32Array.from(data) };
  };
  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, onHost(value)])),
    rows: new Map(
      (withRows ? graph.states : []).map(({ name, rows }) => [name, Float32Array.from(numbersOf(rows).data)]),
    ),
  };
}

/** What a backend brings when its sessions and results lie on the host. */
export interface HostPrograms<P extends { readonly graph: Graph }> {
  readonly programs: ReadonlyMap<string, P>;
  readonly owner: SessionOwner;
  /** The most that each symbol may reach. */
  readonly max: Env;
  /** Waits until a run can begin; from then on nothing else runs until `compute` is first awaited. */
  readonly ready?: () => Promise<void>;
  readonly compute: (run: HostRun<P>) => HostResults | Promise<HostResults>;
  /** Let go of the weights; called once. */
  readonly release?: () => void;
}

/** All of an executable but the arithmetic: names, feeds, sizes, turns and rows of sessions, disposal. */
export function hostExecutable<P extends { readonly graph: Graph }>(loaded: HostPrograms<P>): Executable {
  // After disposal nothing here reaches the weights any more.
  let live: HostPrograms<P> | undefined = loaded;
  const alive = (): HostPrograms<P> => {
    if (live === undefined) throw new SessionError("the model was disposed");
    return live;
  };

  async function start(
    program: P,
    inputs: Readonly<Record<string, Feed>>,
    session: HostSession | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Tensor>> {
    const { graph } = program;
    const fed = await feedsOnHost(graph, inputs);
    await alive().ready?.();
    signal?.throwIfAborted();
    const { max, compute } = alive();
    const past = session?.length ?? 0;
    const env = bindSizes(graph, new Map([...fed].map(([input, t]) => [input, t.shape])), { past }, max);
    const grows = session === undefined ? 0 : reserveRows(graph, session, env);
    const { outputs, rows } = await computed(() => compute({ program, env, fed, session, signal }));
    signal?.throwIfAborted();
    if (session !== undefined) {
      if (session.length !== past) throw new SessionError("the session was changed while a run was using it");
      session.append(rows, grows);
    }
    return Object.fromEntries(Object.entries(outputs).map(([output, tensor]) => [output, resultOnHost(tensor)]));
  }

  /** What fails because the model was disposed of meanwhile, says so. */
  async function computed(body: () => HostResults | Promise<HostResults>): Promise<HostResults> {
    try {
      return await body();
    } catch (error) {
      alive();
      throw error;
    }
  }

  const dispose = () => {
    const release = live?.release;
    live = undefined;
    release?.();
  };
  return Object.freeze({
    run: async (name: string, inputs: Readonly<Record<string, Feed>>, { session, signal }: RunOptions = {}) => {
      signal?.throwIfAborted();
      const { programs, owner } = alive();
      const program = programs.get(name);
      if (program === undefined)
        throw new FeedError(`there is no program ${name}; there are ${[...programs.keys()].join(", ")}`);
      if (session === undefined) return start(program, inputs, undefined, signal);
      if (!(session instanceof HostSession && session.belongsTo(owner)))
        throw new SessionError("the session belongs to another model");
      // Its turn comes before its feeds are read: a run with quicker feeds must not overtake it.
      return session.inTurn(() => start(program, inputs, session, signal));
    },
    createSession: (options?: { readonly capacity?: number; readonly from?: Uint8Array }) =>
      new HostSession(alive().owner, options),
    dispose,
    [Symbol.dispose]: dispose,
  });
}
