import { emit, GraphError, type OpDef, type Value } from "../graph/value.js";

const reduction = (name: string): OpDef => ({
  name,
  infer([x], attrs) {
    const dims = x!.dims.filter((d) => d.name !== attrs.axis);
    if (dims.length === x!.dims.length) throw new GraphError(`there is no axis ${attrs.axis}`);
    if (x!.dtype !== "f32") throw new GraphError(`takes f32, not ${x!.dtype}`);
    return { dims, dtype: "f32" };
  },
});

/** The sum along one axis, which goes away: attrs `axis`. */
export const reduceSumOp = reduction("reduce_sum");
/** The largest along one axis, which goes away: attrs `axis`. */
export const reduceMaxOp = reduction("reduce_max");

export const reduceSum = <R extends string>(x: Value, axis: string): Value<R> => emit(reduceSumOp, [x], { axis });
export const reduceMax = <R extends string>(x: Value, axis: string): Value<R> => emit(reduceMaxOp, [x], { axis });
