import { isAppend } from "../ops/append.js";
import { inputOp } from "../ops/leaves.js";
import type { Axis, Names } from "./axis.js";
import { currentScope, record, withTrace } from "./scope.js";
import { type DType, emit, GraphError, named, type Value } from "./value.js";

/** One state (a layer's keys, say) that a session keeps between runs: the rows of this run go behind those of the past. */
export interface StateUpdate {
  readonly name: string;
  /** What the session holds: the leaf. */
  readonly past: Value;
  /** What this run adds. */
  readonly rows: Value;
  /** Both, in order: what the session holds afterwards. */
  readonly next: Value;
}

/** One program, as plain data: everything is reached from its outputs and state updates. */
export interface Graph {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  readonly states: readonly StateUpdate[];
  /** What each module gave, by its path; `tap` turns these into outputs. */
  readonly results: ReadonlyMap<string, Value>;
}

/** A graph that remembers the axes of its inputs and outputs in its type. */
export interface Program<I extends AxesByName = AxesByName, O extends AxesByName = AxesByName> extends Graph {
  readonly inputs: { readonly [K in keyof I]: Value<I[K]> };
  readonly outputs: { readonly [K in keyof O]: Value<O[K]> };
}
export type AxesByName = Readonly<Record<string, string>>;
export type Programs = Readonly<Record<string, Graph>>;

/** The axes and element type of a program's input. */
export interface Spec<A extends string = string> {
  readonly axes: A;
  readonly dims: readonly Axis[];
  readonly dtype: DType;
}

const spec =
  (dtype: DType) =>
  <const T extends readonly Axis[]>(...dims: T): Spec<Names<T>> => ({
    axes: dims.map((d) => d.name).join(" ") as Names<T>,
    dims,
    dtype,
  });
/** A float32 input with these axes. */
export const f32 = spec("f32");
/** An int32 input with these axes. */
export const i32 = spec("i32");

/**
 * Trace a program: call `body` once with a value for each input, and keep what it returns as the outputs.
 * Sizes are checked while it runs; a wrong one is a `GraphError`.
 */
export function program<const I extends AxesByName, const O extends Readonly<Record<string, Value>>>(
  name: string,
  inputs: { readonly [K in keyof I]: Spec<I[K]> },
  body: (values: { readonly [K in keyof I]: Value<I[K]> }) => O,
): Program<I, { readonly [K in keyof O]: O[K]["axes"] }> {
  type Inputs = { readonly [K in keyof I]: Value<I[K]> };
  const { value, results } = withTrace<{ values: Inputs; outputs: O }, Value>(() => {
    const values = Object.fromEntries(
      Object.entries<Spec>(inputs).map(([key, s]) => [
        key,
        emit(inputOp, [], { name: key, dims: s.dims, dtype: s.dtype }),
      ]),
    ) as Inputs;
    return { values, outputs: body(values) };
  });
  const outputs = value.outputs as { readonly [K in keyof O]: Value<O[K]["axes"]> };
  return Object.freeze({ name, inputs: value.values, outputs, states: statesOf(Object.values(outputs)), results });
}

/** Give a value inside a module a name of its own among the results, such as the rotary angles. */
export function mark<A extends string>(name: string, value: Value<A>): Value<A> {
  const scope = currentScope();
  record(scope ? `${scope}.${name}` : name, value);
  return value;
}

function statesOf(roots: readonly Value[]): readonly StateUpdate[] {
  const states = new Map<string, StateUpdate>();
  for (const node of topological(roots)) {
    if (!isAppend(node)) continue;
    const [past, rows] = node.inputs as [Value, Value];
    const name = String(past.attrs.name);
    if (states.has(name)) throw new GraphError(`two appends to the state ${name}; a state grows once in a run`);
    states.set(name, { name, past, rows, next: node });
  }
  return [...states.values()];
}

/** Every value that the roots are made of, each after its inputs; `stop` values are given but not looked into. */
export function topological(roots: Iterable<Value>, stop?: ReadonlySet<Value>): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  // An explicit stack: a deep decoder is deeper than the call stack of a worker.
  const stack: { value: Value; next: number }[] = [];
  for (const root of roots) {
    if (seen.has(root)) continue;
    seen.add(root);
    stack.push({ value: root, next: 0 });
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const input = stop?.has(top.value) ? undefined : top.value.inputs[top.next++];
      if (input === undefined) {
        order.push(top.value);
        stack.pop();
      } else if (!seen.has(input)) {
        seen.add(input);
        stack.push({ value: input, next: 0 });
      }
    }
  }
  return order;
}

/** What a run computes: the outputs, and what the states become. */
export const rootsOf = (graph: Graph): Value[] => [
  ...Object.values(graph.outputs),
  ...graph.states.flatMap((s) => [s.past, s.rows, s.next]),
];

/** The parameters that a graph reads, by path. */
export function paramsOf(graph: Graph): ReadonlyMap<string, Value> {
  const params = new Map<string, Value>();
  for (const node of topological(rootsOf(graph)))
    if (node.op.name === "param") params.set(String(node.attrs.path), node);
  return params;
}

/**
 * The same program with more outputs: what the modules at these paths gave.
 * @param taps output name -> path among `graph.results`
 * @throws GraphError when a path is not among them; the message names the nearest ones
 */
export function tap(graph: Graph, taps: Readonly<Record<string, string>>): Graph {
  const extra = Object.entries(taps).map(([name, path]) => {
    const value = graph.results.get(path);
    if (value === undefined) {
      const near = [...graph.results.keys()].filter((k) => k.includes(path.split(".").at(-1)!)).slice(0, 5);
      throw new GraphError(`${graph.name} has no result ${path}${near.length > 0 ? `; near: ${near.join(", ")}` : ""}`);
    }
    return [name, named(value, value.axes)] as const;
  });
  return Object.freeze({ ...graph, outputs: { ...graph.outputs, ...Object.fromEntries(extra) } });
}
