import { emit, GraphError, type OpDef, sameAxis, sameDims, type Value } from "../graph/value.js";

/**
 * Dot products of rows with rows: `[...lead m k] x [...lead n k] -> [...lead m n]`. The second operand has the same
 * leading axes as the first, or none: then it is shared, as a linear layer's `[out in]` weight is.
 */
export const matmulOp: OpDef = {
  name: "matmul",
  infer([a, b]) {
    if (a!.dtype !== "f32" || b!.dtype !== "f32") throw new GraphError("takes two f32 values");
    if (a!.dims.length < 2 || b!.dims.length < 2) throw new GraphError("both sides need rows and a contracted axis");
    const shared = b!.dims.length === 2;
    const lead = a!.dims.slice(0, -2);
    if (!shared && !sameDims(lead, b!.dims.slice(0, -2))) throw new GraphError("the leading axes differ");
    const [k, l] = [a!.dims.at(-1)!, b!.dims.at(-1)!];
    if (!sameAxis(k, l)) throw new GraphError("the contracted (last) axes differ");
    return { dims: [...lead, a!.dims.at(-2)!, b!.dims.at(-2)!], dtype: "f32" };
  },
};

/** See {@link matmulOp}. Too generic for inference: give the result's axes, `matmul<"batch seq ctx">(q, k)`. */
export const matmul = <R extends string>(a: Value, b: Value): Value<R> => emit(matmulOp, [a, b]);
