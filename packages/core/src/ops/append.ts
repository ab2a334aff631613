import type { Axis } from "../graph/axis.js";
import { currentScope } from "../graph/scope.js";
import { addSizes, symbol } from "../graph/size.js";
import { emit, floats, GraphError, type OpDef, sameAxis, sameDims, type Value } from "../graph/value.js";
import { state } from "./leaves.js";
import { concat, relabel } from "./shape.js";

/** The axes of what is stored and of what comes: `[batch past kv dim]`, `[batch seq kv dim]` -> `[batch ctx kv dim]`. */
export const appendOp: OpDef = {
  name: "append",
  infer([past, rows]) {
    if (past!.op.name !== "state") throw new GraphError("append goes behind a state");
    floats(past, rows);
    const [a, b] = [past!.dims, rows!.dims];
    if (a.length < 2 || a.length !== b.length || !sameAxis(a[0]!, b[0]!) || !sameDims(a.slice(2), b.slice(2)))
      throw new GraphError("the state and its new rows differ in more than the second axis");
    return { dims: a.with(1, contextAxis(a[1]!, b[1]!)), dtype: "f32" };
  },
  decompose: ([past, rows]) => {
    const [before, now] = [past!.dims[1]!, rows!.dims[1]!];
    const aligned = relabel(rows!, { [now.name]: { name: before.name, size: now.size } });
    return concat([past!, aligned], before.name, contextAxis(before, now));
  },
};

const contextAxis = (past: Axis, rows: Axis): Axis => ({ name: "ctx", size: addSizes(past.size, rows.size) });

export const isAppend = (node: Value): boolean => node.op === appendOp;

/** How many positions a session already holds. */
export interface Past {
  readonly axis: Axis<"past">;
}
/** The axis of a session's past, `past` positions long at run time. */
export const past: Past = Object.freeze({ axis: Object.freeze({ name: "past", size: symbol("past") }) });

/**
 * Put rows behind what the session holds, and give both: how a KV cache is written. The state is named by the module it
 * is used in and `name`; no cache object is threaded through the model.
 * @param x `[batch seq ...]` of this run
 * @returns `[batch ctx ...]`, ctx = past + seq
 */
export function append<B extends string, R extends string>(
  x: Value<`${B} seq ${R}`>,
  from: Past,
  name: string,
): Value<`${B} ctx ${R}`> {
  const scope = currentScope();
  const leaf = state(scope ? `${scope}.${name}` : name, x.dims.with(1, from.axis));
  return emit(appendOp, [leaf, x]);
}
