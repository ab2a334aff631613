import {
  type Backend,
  type CompileOptions,
  type Env,
  evaluate,
  fingerprint,
  type HostRun,
  type HostSession,
  type HostTensor,
  hostExecutable,
  lower,
  type Programs,
  paramsOf,
  primitivesOnly,
  stateWidths,
  type Value,
  type WeightSource,
} from "@hulu/core";
import { type Array64, array } from "./array.js";
import { estimate } from "./estimate.js";
import { Plan } from "./interpreter.js";

/**
 * The meaning of every operation: an interpreter of primitives in float64, for tests and for finding where another
 * backend goes wrong. It is slow, holds weights at eight bytes each, and reads nothing but the definitions.
 */
export const reference: Backend = Object.freeze({
  name: "reference",
  origin: { module: import.meta.url, name: "reference" },
  supports: primitivesOnly,
  estimate,
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
    return hostExecutable<Plan>({
      programs: plans,
      owner,
      max: options.max ?? {},
      compute: (run) => compute(params, run),
    });
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

/** One run of a plan. @returns outputs and new rows as float32 and int32 */
function compute(params: ReadonlyMap<string, Array64>, { program, env, fed, session, signal }: HostRun<Plan>) {
  const { graph } = program;
  const values = program.run(
    {
      input: (name) => toArray(fed.get(name) as HostTensor),
      param: (path) => params.get(path) as Array64,
      state: (name) => stateArray(program, name, session, env),
    },
    env,
    signal,
  );
  const value = (v: Value) => values.get(v) as Array64;
  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, v]) => [name, onHost(value(v), v)])),
    rows: new Map(graph.states.map((s) => [s.name, Float32Array.from(value(s.rows).data)])),
  };
}

function stateArray(plan: Plan, name: string, session: HostSession | undefined, env: Env): Array64 {
  const update = plan.graph.states.find((s) => s.name === name)!;
  const shape = update.past.dims.map((d) => evaluate(d.size, env));
  return session === undefined ? array(shape) : array(shape, Float64Array.from(session.rows(name)));
}

const toArray = (t: HostTensor): Array64 => array(t.shape, Float64Array.from(t.data));

function onHost({ shape, data }: Array64, { dtype }: Value): HostTensor {
  return dtype === "f32"
    ? { dtype, shape, data: Float32Array.from(data) }
    : { dtype: "i32", shape, data: Int32Array.from(data) };
}
