import { emit, GraphError, type OpDef, type Value } from "../graph/value.js";

/**
 * Rows by index: `table[... axis ...]`, `index` i32 -> the table with the index's axes in the place of `axis`. An index
 * outside the axis is an error of the caller, which backends report and never read past.
 */
export const gatherOp: OpDef = {
  name: "gather",
  infer([table, index], attrs) {
    const at = table!.dims.findIndex((d) => d.name === attrs.axis);
    if (at < 0) throw new GraphError(`there is no axis ${attrs.axis}`);
    if (index!.dtype !== "i32") throw new GraphError(`an index is i32, not ${index!.dtype}`);
    return { dims: [...table!.dims.slice(0, at), ...index!.dims, ...table!.dims.slice(at + 1)], dtype: table!.dtype };
  },
};

/** Look rows up: `gather<"batch seq embed">(table, ids, "vocab")`. */
export const gather = <R extends string>(table: Value, index: Value, axis: string): Value<R> =>
  emit(gatherOp, [table, index], { axis });
