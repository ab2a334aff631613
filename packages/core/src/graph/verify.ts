import { isPrimitive } from "../ops/primitives.js";
import { type Graph, rootsOf, topological } from "./graph.js";
import { symbolsOf } from "./size.js";
import { describe, GraphError, sameDims, type Value } from "./value.js";

/**
 * Check a graph after a pass: every op is a primitive or can be decomposed, every shape is what its rule gives, every
 * leaf is declared once and by this graph, and every run-time symbol is bound by an input or a state.
 * @throws GraphError that names the node
 */
export function verify(graph: Graph): void {
  const fail = (node: Value, what: string): never => {
    throw new GraphError(`${graph.name}: ${node.op.name}${node.scope && ` in ${node.scope}`}: ${what}`);
  };
  const bound = boundSymbols(graph);
  const leaves = new Map<string, Value>();
  for (const node of topological(rootsOf(graph))) {
    if (!isPrimitive(node) && node.op.decompose === undefined)
      fail(node, "is no primitive and says nothing of its meaning");
    const { dims, dtype } = node.op.infer(node.inputs, node.attrs);
    if (!sameDims(dims, node.dims) || dtype !== node.dtype)
      fail(node, `is ${describe(node)}, its rule gives ${describe({ dims, dtype })}`);
    for (const d of node.dims)
      for (const s of symbolsOf(d.size))
        if (!bound.has(s)) fail(node, `the size ${s} of axis ${d.name} is bound by no input and no state`);
    checkLeaf(node, graph, leaves, fail);
  }
  for (const [name, input] of Object.entries(graph.inputs))
    if (input.op.name !== "input" || input.attrs.name !== name) fail(input, `is not the input ${name}`);
}

function boundSymbols(graph: Graph): ReadonlySet<string> {
  const dims = [...Object.values(graph.inputs), ...graph.states.map((s) => s.past)].flatMap((v) => v.dims);
  return new Set(dims.flatMap((d) => symbolsOf(d.size)));
}

function checkLeaf(
  node: Value,
  graph: Graph,
  leaves: Map<string, Value>,
  fail: (node: Value, what: string) => never,
): void {
  if (node.op.name !== "param" && node.op.name !== "state" && node.op.name !== "input") return;
  const name = String(node.attrs.path ?? node.attrs.name);
  const key = `${node.op.name} ${name}`;
  const other = leaves.get(key) ?? (node.op.name === "input" ? graph.inputs[name] : node);
  if (other === undefined) fail(node, `${key} is no input of this graph`);
  if (!sameDims(other.dims, node.dims) || other.dtype !== node.dtype)
    fail(node, `${key} is also used as ${describe(other)}`);
  if (node.op.name === "state" && !graph.states.some((s) => s.name === name))
    fail(node, `${key} is read, and nothing is appended to it`);
  leaves.set(key, node);
}
