import { type Axis, type Env, evaluate, FeedError, printSize, type Value } from "@hulu/core";
import type { Layout } from "./layout.js";
import type { Runtime, Tf, TfTensor } from "./runtime.js";

/** How a run gets what no operation makes. The tensors stay the caller's. */
export interface Leaves {
  readonly input: (name: string) => TfTensor;
  readonly state: (name: string) => TfTensor;
  readonly weight: (layout: Layout) => TfTensor;
}

/** What a program is computed with. */
export type On = Pick<Runtime, "tf" | "reserve">;

/** Makes a node's tensor of those of its inputs, by differentiable operations of TensorFlow.js. */
export type Emitter = (e: Emission, node: Value) => TfTensor;

/**
 * One run of a program. An axis along which a value is only repeated may have size 1 in its tensor ("thin"): operations
 * element by element repeat by themselves, and a scalar is never written out.
 */
export class Emission {
  readonly #tensors = new Map<Value, TfTensor>();
  readonly #shared = new Map<string, TfTensor>();

  readonly tf: Tf;

  constructor(
    readonly on: On,
    readonly leaves: Leaves,
    readonly env: Env,
  ) {
    this.tf = on.tf;
  }

  set(node: Value, tensor: TfTensor): void {
    this.#tensors.set(node, tensor);
  }

  /** A node's tensor, perhaps thin: of as many axes as the node has. */
  thin(node: Value): TfTensor {
    return this.#tensors.get(node) as TfTensor;
  }

  /** A node's tensor with every number in its place. */
  full(node: Value): TfTensor {
    const tensor = this.thin(node);
    const shape = this.sizes(node.dims);
    return tensor.shape.every((n, i) => n === shape[i]) ? tensor : this.tf.broadcastTo(tensor, shape);
  }

  /** @throws FeedError for a size below zero */
  sizes(dims: readonly Axis[]): number[] {
    return dims.map((d) => {
      const size = evaluate(d.size, this.env);
      if (size < 0) throw new FeedError(`the size ${printSize(d.size)} of ${d.name} would be ${size}`);
      return size;
    });
  }

  /** What several nodes of a run use, such as the mask that all layers have. */
  once(key: string, make: () => TfTensor): TfTensor {
    let tensor = this.#shared.get(key);
    if (tensor === undefined) {
      tensor = this.tf.keep(this.tf.tidy(make));
      this.#shared.set(key, tensor);
    }
    return tensor;
  }

  release(node: Value): void {
    this.#tensors.get(node)?.dispose();
    this.#tensors.delete(node);
  }

  dispose(): void {
    for (const tensor of this.#shared.values()) tensor.dispose();
    this.#shared.clear();
  }
}

const types = { f32: "float32", i32: "int32", bool: "bool" } as const;

/** What TensorFlow.js calls a node's element type. */
export const typeOf = ({ dtype }: Value): (typeof types)[keyof typeof types] => types[dtype as keyof typeof types];

export const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
