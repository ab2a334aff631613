import { emit, type Graph, lower, ops, rewrite, topological, type Value } from "@hulu/core";
import { keyOf, type Layout, layoutOf, transposedOp } from "./layout.js";
import { supports } from "./supports.js";

/** A program as it is run: lowered, and matrices that are stored as weights replaced by their transposed form. */
export const prepare = (graph: Graph): Graph =>
  rewrite(lower(graph, supports), (node) => {
    if (node.op !== ops.linearOp && node.op !== ops.matmulOp) return node;
    const [x, matrix, ...bias] = node.inputs as [Value, Value, ...Value[]];
    const path = matrix.dims.length === 2 ? storedAt(matrix) : undefined;
    if (path === undefined || matrix.dims.some((d) => d.size === 0)) return node;
    const held = emit(transposedOp, [], { path, dims: matrix.dims });
    return Object.freeze({ ...node, inputs: Object.freeze([x, held, ...bias]) });
  });

/** The path of a weight whose numbers, in the order in which they are stored, are this value's. */
function storedAt(value: Value): string | undefined {
  let at = value;
  while (at.op === ops.relabelOp || (at.op === ops.rearrangeOp && keepsOrder(at))) at = at.inputs[0] as Value;
  return at.op === ops.paramOp ? String(at.attrs.path) : undefined;
}

const keepsOrder = (node: Value): boolean => ops.rearrangeSteps(node).perm.every((from, to) => from === to);

/** What a run computes: outputs, and the new rows of states. What a state becomes is the session's business. */
export const resultsOf = (graph: Graph): readonly Value[] => [
  ...Object.values(graph.outputs),
  ...graph.states.map((s) => s.rows),
];

/** The nodes that a run needs, each after its inputs. */
export const needed = (graph: Graph): readonly Value[] => topological(resultsOf(graph));

/** The weights that programs read, each in each layout that is asked for. */
export function layoutsOf(graphs: Iterable<Graph>): ReadonlyMap<string, Layout> {
  const layouts = new Map<string, Layout>();
  for (const graph of graphs)
    for (const node of needed(graph)) {
      const layout = layoutOf(node);
      if (layout !== undefined) layouts.set(keyOf(layout), layout);
    }
  return layouts;
}
