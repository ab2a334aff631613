import { type Axis, printDims } from "./axis.js";
import { type Graph, paramsOf, rootsOf, topological } from "./graph.js";
import { printSize } from "./size.js";
import { type Attr, describe, type Value } from "./value.js";

/** A graph as text: one line for each node, in the order of its making. Snapshots of it hold a refactoring still. */
export function print(graph: Graph): string {
  const names = new Map<Value, string>();
  const lines: string[] = [];
  let count = 0;
  for (const node of topological(rootsOf(graph))) {
    const leaf = { input: node.attrs.name, param: node.attrs.path, state: node.attrs.name }[node.op.name];
    if (leaf !== undefined) {
      names.set(node, node.op.name === "input" ? `$${String(leaf)}` : String(leaf));
      continue;
    }
    names.set(node, `%${count++}`);
    const operands = node.inputs.map((i) => names.get(i));
    const attrs = Object.entries(node.attrs).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}: ${printAttr(value)}`],
    );
    const call = `${node.op.name}(${[...operands, ...attrs].join(", ")})`;
    lines.push(`  ${names.get(node)} = ${call}: ${describe(node)}${node.scope && `  # ${node.scope}`}`);
  }
  const inputs = Object.entries(graph.inputs).map(([name, v]) => `${name}: ${describe(v)}`);
  const outputs = Object.entries(graph.outputs).map(([name, v]) => `  return ${name}: ${names.get(v)}`);
  const states = graph.states.map((s) => `  keep ${s.name}: ${names.get(s.rows)}`);
  const params = `  # ${paramsOf(graph).size} parameters`;
  return [`${graph.name}(${inputs.join(", ")}) {`, params, ...lines, ...states, ...outputs, "}", ""].join("\n");
}

function printAttr(value: Attr): string {
  if (Array.isArray(value)) {
    const shown = value.slice(0, 4).map(printAttr);
    return `[${value.length > 4 ? [...shown, `... ${value.length}`].join(", ") : shown.join(", ")}]`;
  }
  if (typeof value === "number") return String(value);
  if (typeof value !== "object") return JSON.stringify(value);
  return isAxis(value) ? printDims([value]) : printSize(value as { terms: Record<string, number> });
}

const isAxis = (value: object): value is Axis => "name" in value && "size" in value;
