import {
  type Backend,
  type CompileOptions,
  type Env,
  evaluate,
  type HostRun,
  type HostSession,
  type HostTensor,
  hostExecutable,
  hostResults,
  interpreterEstimate,
  lower,
  type Programs,
  primitivesOnly,
  readParams,
  sessionOwner,
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
  estimate: (programs: Programs, weights: WeightSource, max: Env) =>
    interpreterEstimate(programs, weights, max, Float64Array.BYTES_PER_ELEMENT),
  compile: async (programs: Programs, weights: WeightSource, options: CompileOptions = {}) => {
    const plans = Object.entries(programs).map(
      ([name, graph]) => [name, new Plan(lower(graph, primitivesOnly))] as const,
    );
    const hold = (shape: readonly number[], numbers: Float32Array) => array(shape, Float64Array.from(numbers));
    const params = await readParams(programs, weights, hold, options);
    const owner = await sessionOwner(programs, weights, options.max);
    return hostExecutable<Plan>({
      programs: new Map(plans),
      owner,
      max: options.max ?? {},
      compute: (run) => compute(params, run),
    });
  },
});

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
  return hostResults(graph, (value) => values.get(value) as Array64);
}

function stateArray(plan: Plan, name: string, session: HostSession | undefined, env: Env): Array64 {
  const update = plan.graph.states.find((s) => s.name === name)!;
  const shape = update.past.dims.map((d) => evaluate(d.size, env));
  return session === undefined ? array(shape) : array(shape, Float64Array.from(session.rows(name)));
}

const toArray = (t: HostTensor): Array64 => array(t.shape, Float64Array.from(t.data));
