import { emit, floats, GraphError, type OpDef, sameAxis, type Value } from "../graph/value.js";
import { add, broadcast } from "./elementwise.js";
import { matmul } from "./matmul.js";

/** x W^T + b: `[... in]`, weight `[out in]`, bias `[out]` or none. */
export const linearOp: OpDef = {
  name: "linear",
  infer([x, weight, bias]) {
    floats(x, weight, bias);
    const [out, inner] = weight!.dims as [Value["dims"][number], Value["dims"][number]];
    if (weight!.dims.length !== 2) throw new GraphError("a weight is [out in]");
    if (x!.dims.length < 2 || !sameAxis(x!.dims.at(-1)!, inner))
      throw new GraphError(`the input's last axis must be ${inner.name}`);
    if (bias !== undefined && (bias.dims.length !== 1 || !sameAxis(bias.dims[0]!, out)))
      throw new GraphError(`the bias must be [${out.name}]`);
    return { dims: [...x!.dims.slice(0, -1), out], dtype: "f32" };
  },
  decompose([x, weight, bias]) {
    const y = matmul(x!, weight!);
    return bias === undefined ? y : add(y, broadcast(bias, y));
  },
};

export function linear<L extends string, I extends string, O extends string>(
  x: Value<`${L} ${I}`>,
  weight: Value<`${O} ${I}`>,
  bias?: Value<O>,
): Value<`${L} ${O}`> {
  return emit(linearOp, bias === undefined ? [x, weight] : [x, weight, bias]);
}
