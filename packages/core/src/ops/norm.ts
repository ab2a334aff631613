import type { Size } from "../graph/size.js";
import { emit, floats, GraphError, type OpDef, sameAxis, type Value } from "../graph/value.js";
import { add, broadcast, div, mul, sqrt, sub } from "./elementwise.js";
import { reduceSum } from "./reduce.js";

const checkScale = (x: Value, ...params: readonly (Value | undefined)[]) => {
  floats(x, ...params);
  const last = x.dims.at(-1);
  if (last === undefined || typeof last.size !== "number") throw new GraphError("the last axis must have a fixed size");
  for (const p of params)
    if (p !== undefined && (p.dims.length !== 1 || !sameAxis(p.dims[0]!, last)))
      throw new GraphError(`weight and bias must be [${last.name}]`);
  return { dims: x.dims, dtype: x.dtype };
};

function mean(x: Value): Value {
  const last = x.dims.at(-1)!;
  const size: Size = last.size;
  return mul(reduceSum(x, last.name), 1 / (size as number));
}

/** x / sqrt(mean(x^2) + eps) * weight over the last axis: attrs `eps`. Zhang and Sennrich, 2019. */
export const rmsNormOp: OpDef = {
  name: "rms_norm",
  infer: ([x, weight]) => checkScale(x!, weight),
  decompose([x, weight], attrs) {
    const rms = sqrt(add(mean(mul(x!, x!)), Number(attrs.eps)));
    return mul(div(x!, broadcast(rms, x!)), broadcast(weight!, x!));
  },
};

/** (x - mean) / sqrt(variance + eps) * weight + bias over the last axis: attrs `eps`. Ba et al., 2016. */
export const layerNormOp: OpDef = {
  name: "layer_norm",
  infer: ([x, weight, bias]) => checkScale(x!, weight, bias),
  decompose([x, weight, bias], attrs) {
    const centred = sub(x!, broadcast(mean(x!), x!));
    const deviation = sqrt(add(mean(mul(centred, centred)), Number(attrs.eps)));
    const scaled = mul(div(centred, broadcast(deviation, x!)), broadcast(weight!, x!));
    return add(scaled, broadcast(bias!, x!));
  },
};

export const rmsNorm = <A extends string>(x: Value<A>, weight: Value, eps: number): Value<A> =>
  emit(rmsNormOp, [x, weight], { eps });
export const layerNorm = <A extends string>(x: Value<A>, weight: Value, bias: Value, eps: number): Value<A> =>
  emit(layerNormOp, [x, weight, bias], { eps });
