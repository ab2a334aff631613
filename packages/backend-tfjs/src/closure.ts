import { type Env, type Graph, isPrimitive, type PrimitiveName, type Value } from "@hulu/core";
import { countOf, Emission, type Emitter, type Leaves, type On, typeOf } from "./emission.js";
import { claims } from "./emit/composites.js";
import { weight } from "./emit/leaves.js";
import { primitiveEmitters } from "./emit/primitives.js";
import { needed, resultsOf } from "./graph.js";
import { layoutOf } from "./layout.js";
import type { TfTensor } from "./runtime.js";

/** A program as calls of TensorFlow.js: what it takes and the sizes of a run in, its results by node out. */
export type Closure = (on: On, leaves: Leaves, env: Env) => ReadonlyMap<Value, TfTensor>;

const LEAVES: ReadonlySet<string> = new Set(["input", "param", "state", "transposed_param"]);

/**
 * Made of nothing but differentiable operations, so that gradients can be taken through it. What is no longer needed is
 * disposed of on the way; call it inside `tf.tidy`, and keep of the results what is to outlive it.
 * @param graph as `prepare` gives it
 */
export function closure(graph: Graph): Closure {
  const order = needed(graph);
  const results = resultsOf(graph);
  const kept = new Set(results);
  const lastUse = new Map<Value, number>();
  for (const [i, node] of order.entries()) for (const input of node.inputs) lastUse.set(input, i);
  const emitters = order.map(emitterOf);
  return (on, leaves, env) => {
    const e = new Emission(on, leaves, env);
    try {
      for (const [i, node] of order.entries()) {
        e.set(node, tensorOf(e, node, emitters[i]!));
        for (const input of new Set(node.inputs))
          if (lastUse.get(input) === i && !kept.has(input) && !LEAVES.has(input.op.name)) e.release(input);
      }
      return new Map(results.map((node) => [node, e.full(node)]));
    } finally {
      e.dispose();
    }
  };
}

/** Kernels are not asked for an array of no elements: not every one of them has a thought for it. */
function tensorOf(e: Emission, node: Value, emit: Emitter): TfTensor {
  const shape = e.sizes(node.dims);
  if (countOf(shape) === 0 && !LEAVES.has(node.op.name)) return e.tf.zeros(shape, typeOf(node));
  return e.tf.tidy(() => emit(e, node));
}

function emitterOf(node: Value): Emitter {
  if (layoutOf(node) !== undefined) return weight;
  return isPrimitive(node) ? primitiveEmitters[node.op.name as PrimitiveName] : claims.get(node.op)!.emit;
}
