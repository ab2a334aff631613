import {
  type Backend,
  bindSizes,
  type CompileOptions,
  type Env,
  type Executable,
  evaluate,
  type Feed,
  FeedError,
  feedsOnHost,
  fingerprint,
  HostSession,
  type HostTensor,
  lower,
  type Programs,
  paramsOf,
  primitivesOnly,
  type RunOptions,
  reserveRows,
  resultOnHost,
  SessionError,
  type SessionOwner,
  stateWidths,
  type Tensor,
  type Value,
  type WeightSource,
} from "@hulu/core";
import { type Array64, array } from "./array.js";
import { Plan } from "./interpreter.js";

/**
 * The meaning of every operation: an interpreter of primitives in float64, for tests and for finding where another
 * backend goes wrong. It is slow, holds weights at eight bytes each, and reads nothing but the definitions.
 */
export const reference: Backend = Object.freeze({
  name: "reference",
  origin: { module: import.meta.url, name: "reference" },
  supports: primitivesOnly,
  estimate: (programs: Programs, weights: WeightSource, max: Env) => {
    const params = new Set(Object.values(programs).flatMap((g) => [...paramsOf(g).keys()]));
    const numbers = [...params].reduce(
      (n, path) => n + (weights.info(path)?.shape ?? []).reduce((m, d) => m * d, 1),
      0,
    );
    const width = [...stateWidths(programs).values()].reduce((n, w) => n + w, 0);
    return { weights: numbers * 8, session: width * 4 * (max.past ?? 0) };
  },
  compile: async (programs: Programs, weights: WeightSource, options: CompileOptions = {}) => {
    const plans = new Map(
      Object.entries(programs).map(([name, graph]) => [name, new Plan(lower(graph, primitivesOnly))]),
    );
    const params = await readParams(plans.values(), weights, options);
    const owner = {
      widths: stateWidths(programs),
      fingerprint: await fingerprint(programs, weights),
      most: options.max?.past ?? 1 << 20,
    };
    return executable(plans, params, owner, options.max ?? {});
  },
});

async function readParams(
  plans: Iterable<Plan>,
  weights: WeightSource,
  { signal, onProgress }: CompileOptions,
): Promise<ReadonlyMap<string, Array64>> {
  const wanted = new Map<string, Value>();
  for (const { graph } of plans) for (const [path, node] of paramsOf(graph)) wanted.set(path, node);
  const params = new Map<string, Array64>();
  for (const [path, node] of wanted) {
    signal?.throwIfAborted();
    const floats = await weights.floats(path, signal && { signal });
    params.set(
      path,
      array(
        node.dims.map((d) => evaluate(d.size, {})),
        Float64Array.from(floats),
      ),
    );
    onProgress?.(params.size, wanted.size, path);
  }
  return params;
}

function executable(
  plans: ReadonlyMap<string, Plan>,
  params: ReadonlyMap<string, Array64>,
  owner: SessionOwner,
  max: Env,
): Executable {
  let live: typeof params | undefined = params;
  const dispose = () => {
    live = undefined;
  };
  const runIn = async (
    plan: Plan,
    fed: ReadonlyMap<string, HostTensor>,
    session: HostSession | undefined,
    signal?: AbortSignal,
  ) => {
    const weights = live;
    if (weights === undefined) throw new SessionError("the model was disposed");
    const past = session?.length ?? 0;
    const env = bindSizes(plan.graph, new Map([...fed].map(([name, t]) => [name, t.shape])), { past }, max);
    const grows = session === undefined ? 0 : reserveRows(plan.graph, session, env);
    const values = plan.run(
      {
        input: (name) => toArray(fed.get(name) as HostTensor),
        param: (path) => weights.get(path) as Array64,
        state: (name) => stateArray(plan, name, session, env),
      },
      env,
      signal,
    );
    const value = (v: Value) => values.get(v) as Array64;
    session?.append(new Map(plan.graph.states.map((s) => [s.name, Float32Array.from(value(s.rows).data)])), grows);
    return Object.fromEntries(Object.entries(plan.graph.outputs).map(([name, v]) => [name, toTensor(value(v), v)]));
  };
  return {
    run: async (program: string, inputs: Readonly<Record<string, Feed>>, { session, signal }: RunOptions = {}) => {
      const plan = plans.get(program);
      if (plan === undefined)
        throw new FeedError(`there is no program ${program}; there are ${[...plans.keys()].join(", ")}`);
      const start = async (held?: HostSession) => runIn(plan, await feedsOnHost(plan.graph, inputs), held, signal);
      if (session === undefined) return start();
      if (!(session instanceof HostSession && session.belongsTo(owner)))
        throw new SessionError("the session belongs to another model");
      // Its turn comes before its feeds are read, or a run with quicker feeds would overtake it.
      return session.inTurn(() => start(session));
    },
    createSession: (options) => new HostSession(owner, options),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

function stateArray(plan: Plan, name: string, session: HostSession | undefined, env: Env): Array64 {
  const update = plan.graph.states.find((s) => s.name === name)!;
  const shape = update.past.dims.map((d) => evaluate(d.size, env));
  return session === undefined ? array(shape) : array(shape, Float64Array.from(session.rows(name)));
}

const toArray = (t: HostTensor): Array64 => array(t.shape, Float64Array.from(t.data));

function toTensor(value: Array64, { dtype }: Value): Tensor {
  const i32 = dtype !== "f32";
  return resultOnHost({
    dtype: i32 ? "i32" : "f32",
    shape: value.shape,
    data: i32 ? Int32Array.from(value.data) : Float32Array.from(value.data),
  });
}
