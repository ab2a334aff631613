import {
  type Backend,
  type CompileOptions,
  type Env,
  type HostRun,
  hostExecutable,
  hostResults,
  interpreterEstimate,
  type Programs,
  readParams,
  sessionOwner,
  type WeightSource,
} from "@hulu/core";
import { checkRun, type Plan, planProgram, supports } from "../src/index.js";
import { evaluatePlan } from "./evaluate.js";

/** Plans run on the host by what their kernels mean: what it gets wrong, planning gets wrong. */
export const planned: Backend = {
  name: "planned",
  supports,
  estimate: (programs: Programs, weights: WeightSource, max: Env) =>
    interpreterEstimate(programs, weights, max, Float64Array.BYTES_PER_ELEMENT),
  compile: async (programs: Programs, weights: WeightSource, options: CompileOptions = {}) => {
    const max = options.max ?? {};
    const plans = Object.entries(programs).map(([name, graph]) => [name, planProgram(graph, { max })] as const);
    const params = await readParams(programs, weights, (_, numbers) => numbers, options);
    const owner = await sessionOwner(programs, weights, max);
    const compute = (run: HostRun<Plan>) => computed(params, run);
    return hostExecutable<Plan>({ programs: new Map(plans), owner, max, compute });
  },
};

function computed(params: ReadonlyMap<string, Float32Array>, { program: plan, env, fed, session }: HostRun<Plan>) {
  checkRun(plan, env, (name) => fed.get(name)?.data);
  const names = plan.states.map(({ name }) => name);
  const states = new Map(session === undefined ? [] : names.map((name) => [name, session.rows(name)]));
  const { outputs, rows } = evaluatePlan(plan, env, { fed, params, states });
  const results = hostResults(
    plan.graph,
    (value) => {
      const name = Object.entries(plan.graph.outputs).find(([, v]) => v === value)?.[0];
      return outputs[name ?? ""]!;
    },
    false,
  );
  return { ...results, rows: new Map([...rows].map(([name, numbers]) => [name, Float32Array.from(numbers)])) };
}
