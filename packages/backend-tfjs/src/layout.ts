import { evaluate, type OpDef, ops, type Value } from "@hulu/core";

/** In which order a weight's numbers are held: as they are stored, or, for products with rows, `[in out]`. */
export interface Layout {
  readonly path: string;
  /** The number of outputs of a matrix that is held transposed; undefined for a weight as it is stored. */
  readonly transposed: number | undefined;
}

export const keyOf = ({ path, transposed }: Layout): string =>
  transposed === undefined ? path : `${transposed} ${path}`;

/** A stored matrix `[out in]`, held as `[in out]`: attrs `path`. TensorFlow.js multiplies many times faster by it. */
export const transposedOp: OpDef = {
  name: "transposed_param",
  infer: (_, attrs) => ({ dims: attrs.dims as Value["dims"], dtype: "f32" }),
};

/** The weight that a leaf stands for. */
export function layoutOf(node: Value): Layout | undefined {
  if (node.op !== ops.paramOp && node.op !== transposedOp) return undefined;
  const transposed = node.op === transposedOp ? evaluate(node.dims[0]!.size, {}) : undefined;
  return { path: String(node.attrs.path), transposed };
}
