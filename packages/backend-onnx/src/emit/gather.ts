import { ops, type Size, type Value } from "@hulu/core";
import { axisIndex, type Emission, hintOf } from "../emission.js";
import { placementOf, storedParam } from "./leaves.js";

/**
 * What a fed index must satisfy: each of its numbers, raised to `floor` at least, is below `rows`. It is checked on the
 * host, where it can be reported; ONNX counts a negative index from the end.
 */
export interface IndexCheck {
  readonly input: string;
  readonly floor: number;
  readonly rows: Size;
  readonly axis: string;
}

/** The check that covers an index, where it is fed and no more than raised to a constant on its way. */
export function indexCheck(node: Value): IndexCheck | undefined {
  const [table, index] = node.inputs as [Value, Value];
  let at = index;
  let floor = Number.NEGATIVE_INFINITY;
  for (;;) {
    const [inner, other] = at.inputs;
    if (at.op === ops.inputOp) break;
    if (at.op === ops.relabelOp || at.op === ops.rearrangeOp) at = inner!;
    else if (at.op === ops.maxOp && constantOf(other!) !== undefined) {
      floor = Math.max(floor, constantOf(other!)!);
      at = inner!;
    } else return undefined;
  }
  const axis = String(node.attrs.axis);
  return { input: String(at.attrs.name), floor, rows: table.dims[axisIndex(table, axis)]!.size, axis };
}

function constantOf(value: Value): number | undefined {
  if (value.op === ops.broadcastOp) return constantOf(value.inputs[0]!);
  const values = value.op === ops.constantOp ? (value.attrs.values as readonly number[]) : [];
  return values.length === 1 ? values[0] : undefined;
}

/** Rows by index. A table in half precision is widened after the look-up, so that it is neither copied nor doubled. */
export function emitGather(e: Emission, node: Value): void {
  const [table, index] = node.inputs as [Value, Value];
  const axis = axisIndex(table, node.attrs.axis);
  const hint = hintOf(node);
  const half = table.op === ops.paramOp && placementOf(e, table).type !== "f32";
  const rows = e.node("Gather", [half ? storedParam(e, table) : e.name(table), checkedIndex(e, node, index)], {
    attributes: { axis: { int: axis } },
    hint,
  });
  e.define(node, half ? e.node("Cast", [rows], { attributes: { to: { int: 1 } }, hint }) : rows);
}

/** An index that no check on the host covers: a negative one is made too large, so that ONNX Runtime refuses it. */
function checkedIndex(e: Emission, node: Value, index: Value): string {
  if (indexCheck(node) !== undefined) return e.name(index);
  const table = node.inputs[0]!;
  const rows = e.scalar(table.dims[axisIndex(table, node.attrs.axis)]!.size, "i32");
  const hint = `${hintOf(node)}/index`;
  const negative = e.node("Less", [e.name(index), e.constant("i32", [0], [])], { hint });
  return e.node("Where", [negative, rows, e.name(index)], { hint });
}
