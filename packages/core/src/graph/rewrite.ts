import { isPrimitive } from "../ops/primitives.js";
import { type Graph, rootsOf, type StateUpdate, topological } from "./graph.js";
import { withScope } from "./scope.js";
import type { OpDef, Value } from "./value.js";

/** Whether a backend runs a node as it stands: true, or the reason why not. */
export type Supports = (node: Value) => true | string;

/** A node that a backend cannot run in any form; `nodes` lists each kind once, with the composites it came from. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}

/** The same graph with each node replaced by what `change` gives for it; its inputs are already changed. */
export function rewrite(graph: Graph, change: (node: Value) => Value): Graph {
  const done = new Map<Value, Value>();
  for (const node of topological([...rootsOf(graph), ...Object.values(graph.inputs), ...graph.results.values()]))
    done.set(node, change(withInputs(node, done)));
  const to = (v: Value): Value => done.get(v) as Value;
  const each = <T extends Readonly<Record<string, Value>>>(record: T) =>
    Object.fromEntries(Object.entries(record).map(([key, v]) => [key, to(v)]));
  const states: StateUpdate[] = graph.states.map((s) => ({
    name: s.name,
    past: to(s.past),
    rows: to(s.rows),
    next: to(s.next),
  }));
  const results = new Map([...graph.results].map(([path, v]) => [path, to(v)]));
  return Object.freeze({ name: graph.name, inputs: each(graph.inputs), outputs: each(graph.outputs), states, results });
}

function withInputs(node: Value, done: ReadonlyMap<Value, Value>): Value {
  const inputs = node.inputs.map((i) => done.get(i) as Value);
  if (inputs.every((v, i) => v === node.inputs[i])) return node;
  return Object.freeze({ ...node, inputs: Object.freeze(inputs) });
}

/**
 * Replace every composite that the backend does not claim by its meaning, down to primitives.
 * @throws UnsupportedError when a primitive is not supported either; it lists every such node
 */
export function expand(graph: Graph, supports: Supports): Graph {
  const refused = new Map<string, string>();
  const settle = (node: Value, origin: readonly string[]): Value => {
    const answer = supports(node);
    if (answer === true) return node;
    const decompose = node.op.decompose;
    if (decompose === undefined) {
      const from = origin.length > 0 ? ` (from ${origin.join(" in ")})` : "";
      const what = `${node.op.name}${from}: ${answer}`;
      if (!refused.has(what)) refused.set(what, node.scope);
      return node;
    }
    return within(node, decompose, (inner) => settle(inner, [node.op.name, ...origin]));
  };
  const expanded = rewrite(graph, (node) => settle(node, []));
  if (refused.size > 0) {
    const list = [...refused].map(([what, scope]) => `${what}${scope && `, first in ${scope}`}`);
    throw new UnsupportedError(`${graph.name} cannot run here:\n  ${list.join("\n  ")}`);
  }
  return expanded;
}

/** Decompose one node, and settle each node of its meaning; the node's own inputs are left as they are. */
function within(node: Value, decompose: NonNullable<Value["op"]["decompose"]>, settle: (inner: Value) => Value): Value {
  const meaning = withScope(node.scope, () => decompose(node.inputs, node.attrs));
  const own = new Set(node.inputs);
  const done = new Map<Value, Value>(node.inputs.map((i) => [i, i]));
  for (const inner of topological([meaning], own))
    if (!own.has(inner)) done.set(inner, settle(withInputs(inner, done)));
  return done.get(meaning) as Value;
}

/** Compute each thing once: nodes with the same op, inputs, attributes and axes become one. */
export function shareCommon(graph: Graph): Graph {
  const known = new Map<string, Value>();
  const ids = new Map<Value, number>();
  const opIds = new Map<unknown, number>();
  const idOf = <K>(ids: Map<K, number>, key: K): number => {
    if (!ids.has(key)) ids.set(key, ids.size);
    return ids.get(key) as number;
  };
  return rewrite(graph, (node) => {
    const inputs = node.inputs.map((i) => idOf(ids, i)).join(",");
    const key = `${idOf(opIds, node.op)}(${inputs})${JSON.stringify(node.attrs, exactly)}${node.axes}`;
    const twin = known.get(key);
    if (twin !== undefined) return twin;
    known.set(key, node);
    return node;
  });
}

/** JSON has no name for these numbers, and two that differ must not become one. */
const exactly = (_: string, value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? { number: `${1 / value} ${value}` }
    : value;

/** What every backend does first: expand what it does not claim, then share what is common. */
export const lower = (graph: Graph, supports: Supports): Graph => shareCommon(expand(graph, supports));

/** For backends that run primitives only. */
export const primitivesOnly: Supports = (node) => (isPrimitive(node) ? true : "expand me");

const computed: ReadonlySet<string> = new Set(["f32", "i32", "bool"]);

/** For backends that run primitives, and some composites as they stand. */
export const claimedBy =
  (claims: ReadonlyMap<OpDef, { readonly supports: Supports }>): Supports =>
  (node) => {
    const strange = [node, ...node.inputs].find((v) => !computed.has(v.dtype));
    if (strange !== undefined) return `${strange.dtype} is not computed with here`;
    return isPrimitive(node) || (claims.get(node.op)?.supports(node) ?? "expand me");
  };
