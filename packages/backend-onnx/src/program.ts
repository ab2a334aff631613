import { type Graph, isPrimitive, type PrimitiveName, type Value } from "@hulu/core";
import { declared, Emission } from "./emission.js";
import { claims } from "./emit/composites.js";
import { stateShape } from "./emit/leaves.js";
import { primitiveEmitters } from "./emit/primitives.js";
import type { OnnxGraph, OnnxNode, OnnxValue } from "./onnx.js";
import type { Placements } from "./weights.js";

/** A program as an ONNX graph, and what its results are called there. */
export interface EmittedProgram {
  readonly onnx: OnnxGraph;
  /** The graph's name for each output of the program. */
  readonly outputs: ReadonlyMap<string, string>;
  /** The graph's name for the new rows of each state. */
  readonly rows: ReadonlyMap<string, string>;
}

/** What must be there before a node is emitted. */
export const usedBy = (node: Value): readonly Value[] => claims.get(node.op)?.uses?.(node) ?? node.inputs;

/** The values that a run needs, each after those that it uses. The state after a run is the session's business. */
export function needed(graph: Graph): readonly Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  // An explicit stack, as in core: a deep decoder is deeper than the call stack of a worker.
  const stack: { value: Value; uses: readonly Value[]; next: number }[] = [];
  const visit = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    stack.push({ value, uses: usedBy(value), next: 0 });
  };
  for (const root of [...Object.values(graph.outputs), ...graph.states.map((s) => s.rows)]) {
    visit(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const use = top.uses[top.next++];
      if (use !== undefined) visit(use);
      else {
        order.push(top.value);
        stack.pop();
      }
    }
  }
  return order;
}

/** Emit a lowered program: one ONNX graph with the names that design.md fixes. */
export function emitProgram(graph: Graph, placements: Placements): EmittedProgram {
  const e = new Emission(graph, placements);
  for (const input of Object.values(graph.inputs))
    e.input(String(input.attrs.name), input.dtype as "f32" | "i32", declared(input.dims));
  const outputs = new Map(Object.keys(graph.outputs).map((name) => [name, e.unique(name)]));
  const rows = new Map(graph.states.map((s) => [s.name, e.unique(`rows:${s.name}`)]));
  for (const node of needed(graph)) emitNode(e, node);
  const results = [
    ...Object.entries(graph.outputs).map(([name, value]) => outputResult(e, value, outputs.get(name)!)),
    ...graph.states.map((s) => rowsResult(e, s.rows, s.past, rows.get(s.name)!)),
  ];
  const nodes = nameResults(e.nodes, results);
  const values = results.map((r) => r.value);
  return {
    onnx: { name: graph.name, nodes, initializers: e.initializers, inputs: e.inputs, outputs: values },
    outputs,
    rows,
  };
}

function emitNode(e: Emission, node: Value): void {
  const emit = isPrimitive(node) ? primitiveEmitters[node.op.name as PrimitiveName] : claims.get(node.op)!.emit;
  emit(e, node);
}

/** What a graph gives, and what it is called where it is made. */
interface Result {
  readonly value: OnnxValue;
  readonly source: string;
}

/** Booleans leave as 0 and 1. */
function outputResult(e: Emission, value: Value, name: string): Result {
  const own = e.name(value);
  const source = value.dtype === "bool" ? e.node("Cast", [own], { attributes: { to: { int: 6 } } }) : own;
  return { value: { name, type: value.dtype === "f32" ? "f32" : "i32", shape: declared(value.dims) }, source };
}

/** `[batch, seq, kv*dim]`. */
function rowsResult(e: Emission, value: Value, past: Value, name: string): Result {
  const { kv, dim } = stateShape(past);
  const [batch, seq] = value.dims as [Value["dims"][number], Value["dims"][number]];
  const source = e.view(value, [batch.size, seq.size, kv * dim]);
  return { value: { name, type: "f32", shape: [...declared([batch, seq]), kv * dim] }, source };
}

/** Call each result what it is to be called: by renaming what makes it, or by an Identity of an input, a weight or another result. */
function nameResults(nodes: readonly OnnxNode[], results: readonly Result[]): readonly OnnxNode[] {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const names = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const { value, source } of results) {
    if (made.has(source) && !names.has(source)) names.set(source, value.name);
    else
      copies.push({
        op: "Identity",
        domain: "",
        name: value.name,
        inputs: [source],
        outputs: [value.name],
        attributes: {},
      });
  }
  return [...nodes, ...copies].map((node) => renamed(node, names));
}

/** A node under other names, and the branches that read them from outside. */
function renamed(node: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode {
  const to = (name: string): string => names.get(name) ?? name;
  const attributes = Object.entries(node.attributes).map(([key, attribute]) => [
    key,
    "graph" in attribute
      ? { graph: { ...attribute.graph, nodes: attribute.graph.nodes.map((n) => renamed(n, names)) } }
      : attribute,
  ]);
  return {
    ...node,
    inputs: node.inputs.map(to),
    outputs: node.outputs.map(to),
    attributes: Object.fromEntries(attributes),
  };
}
