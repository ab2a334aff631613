import type { Axis } from "../graph/axis.js";
import { printSize, type Size } from "../graph/size.js";
import { type DType, emit, GraphError, type OpDef, type Result, type Value } from "../graph/value.js";

// Leaves: values that no other value makes.

const declared = (attrs: Readonly<Record<string, unknown>>): Result => ({
  dims: attrs.dims as readonly Axis[],
  dtype: attrs.dtype as DType,
});

/** What the caller feeds: attrs `name`, `dims`, `dtype`. */
export const inputOp: OpDef = { name: "input", infer: (_, attrs) => declared(attrs) };

/** A weight, by its path in the checkpoint: attrs `path`, `dims`, `dtype`. */
export const paramOp: OpDef = { name: "param", infer: (_, attrs) => declared(attrs) };

/** What a session holds before the run, by name: attrs `name`, `dims`, `dtype`. */
export const stateOp: OpDef = { name: "state", infer: (_, attrs) => declared(attrs) };

/** A small table of numbers, row-major: attrs `values`, `dims`, `dtype`. */
export const constantOp: OpDef = {
  name: "constant",
  infer(_, attrs) {
    const result = declared(attrs);
    const count = result.dims.reduce((n, d) => n * (typeof d.size === "number" ? d.size : Number.NaN), 1);
    const values = attrs.values as readonly number[];
    if (values.length !== count) throw new GraphError(`${values.length} numbers do not fill a constant of ${count}`);
    return result;
  },
};

/** start, start + 1, ... along one axis, as i32: attrs `axis`, `start`. */
export const iotaOp: OpDef = { name: "iota", infer: (_, attrs) => ({ dims: [attrs.axis as Axis], dtype: "i32" }) };

export function constant<A extends string>(
  values: readonly number[],
  dims: readonly Axis[],
  dtype: DType = "f32",
): Value<A> {
  return emit(constantOp, [], { values, dims, dtype });
}

/** The positions along an axis, counted from `start`. */
export function iota<N extends string>(along: Axis<N>, start: Size = 0): Value<N> {
  return emit(iotaOp, [], { axis: along, start });
}

/** The state leaf of a session: `name` is made unique by the module path it is used in. */
export function state<A extends string>(name: string, dims: readonly Axis[]): Value<A> {
  for (const d of dims)
    if (d.name === "ctx") throw new GraphError(`a state holds the past, not ctx=${printSize(d.size)}`);
  return emit(stateOp, [], { name, dims, dtype: "f32" });
}
