import { evaluate, type Size, type Value } from "@hulu/core";
import { type Emitter, typeOf } from "../emission.js";
import { layoutOf } from "../layout.js";

export const input: Emitter = (e, node) => e.leaves.input(String(node.attrs.name));
export const state: Emitter = (e, node) => e.leaves.state(String(node.attrs.name));
export const weight: Emitter = (e, node) => e.leaves.weight(layoutOf(node)!);

export const constant: Emitter = (e, node) => {
  const values = node.attrs.values as readonly number[];
  return e.tf.tensor(typedArray(values, node), e.sizes(node.dims), typeOf(node));
};

export const iota: Emitter = (e, node) => {
  const start = evaluate(node.attrs.start as Size, e.env);
  return e.tf.tensor1d(
    Int32Array.from({ length: e.sizes(node.dims)[0]! }, (_, i) => start + i),
    "int32",
  );
};

const typedArray = (values: readonly number[], { dtype }: Value) =>
  dtype === "f32" ? Float32Array.from(values) : dtype === "i32" ? Int32Array.from(values) : Uint8Array.from(values);
