import type { OnnxGraph, OnnxValue } from "../src/onnx.js";

/** An ONNX graph as text: what goes in, each node, what comes out. Weights are named where they are used. */
export function textOf(graph: OnnxGraph, indent = ""): string {
  const value = (v: OnnxValue) => `${v.name}: ${v.type}${v.shape === undefined ? "" : `[${v.shape.join(", ")}]`}`;
  const lines = [`${graph.name}`, ...graph.inputs.map((v) => `  in  ${value(v)}`)];
  for (const node of graph.nodes) {
    lines.push(`  ${node.outputs.join(", ")} = ${node.op}(${node.inputs.join(", ")})`);
    for (const attribute of Object.values(node.attributes))
      if ("graph" in attribute) lines.push(textOf(attribute.graph, "    "));
  }
  lines.push(...graph.outputs.map((v) => `  out ${value(v)}`));
  return lines.map((line) => indent + line).join("\n");
}
