import { type Env, type Graph, type PrimitiveName, rootsOf, topological, type Value } from "@hulu/core";
import type { Array64 } from "./array.js";
import { kernels } from "./kernels.js";

/** How the interpreter gets what no op makes. */
export interface Leaves {
  readonly input: (name: string) => Array64;
  readonly param: (path: string) => Array64;
  readonly state: (name: string) => Array64;
}

/** A graph of primitives, in an order that can be run, with the last use of each value so that memory is given back. */
export class Plan {
  readonly #order: readonly Value[];
  readonly #lastUse = new Map<Value, number>();
  readonly #kept: ReadonlySet<Value>;

  constructor(readonly graph: Graph) {
    this.#kept = new Set(rootsOf(graph));
    this.#order = topological(this.#kept);
    for (const [i, node] of this.#order.entries()) for (const input of node.inputs) this.#lastUse.set(input, i);
  }

  /** Evaluate every node once; gives the values of the graph's roots. */
  run(leaves: Leaves, env: Env, signal?: AbortSignal): ReadonlyMap<Value, Array64> {
    const values = new Map<Value, Array64>();
    for (const [i, node] of this.#order.entries()) {
      signal?.throwIfAborted();
      values.set(
        node,
        evaluateNode(
          node,
          node.inputs.map((v) => values.get(v) as Array64),
          leaves,
          env,
        ),
      );
      for (const input of node.inputs)
        if (this.#lastUse.get(input) === i && !this.#kept.has(input)) values.delete(input);
    }
    return values;
  }
}

function evaluateNode(node: Value, inputs: readonly Array64[], leaves: Leaves, env: Env): Array64 {
  const name = node.op.name as PrimitiveName;
  if (name === "input") return leaves.input(String(node.attrs.name));
  if (name === "param") return leaves.param(String(node.attrs.path));
  if (name === "state") return leaves.state(String(node.attrs.name));
  return kernels[name](inputs, node, env);
}
