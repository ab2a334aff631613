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
  hostResults,
  type SessionOwner,
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
export function tfjsExecutable({ runtime, graphs, weights, owner, max }: LoadedPrograms): Executable {
  return hostExecutable<LoadedProgram>({
    programs: new Map([...graphs].map(([name, graph]) => [name, { graph, run: closure(graph) }])),
    owner,
    max,
    ready: () => runtime.settled(),
    compute: ({ program: { graph, run }, env, fed, session }) => {
      const compute = (): HostResults => {
        const leaves = leavesOf(runtime, { graph, env, fed, weights, session });
        const values = run(runtime, leaves, env);
        // Results leave TensorFlow.js at once: what is given back is small, and one that somebody forgets would hold a part
        // of a heap that cannot grow past 4 GiB.
        const numbersOf = (value: Value) => {
          const tensor = values.get(value) as TfTensor;
          return { shape: tensor.shape, data: tensor.dataSync() };
        };
        return hostResults(graph, numbersOf, session !== undefined);
      };
      return named(graph, () => runtime.within(() => tidied(runtime, compute)));
    },
    release: () => weights.dispose(),
  });
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
