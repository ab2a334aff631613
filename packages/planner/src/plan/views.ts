import { type Axis, ops, type Size, sameSize, type Value } from "@hulu/core";

/** Whether a value's numbers are those of its one input, in their order: it needs no step. */
export function isView(node: Value): boolean {
  const [x] = node.inputs;
  if (node.op === ops.relabelOp) return true;
  if (node.op === ops.rearrangeOp) return keepsOrder(node);
  if (node.op === ops.castOp) return x!.dtype === node.dtype || (x!.dtype === "bool" && node.dtype === "i32");
  if (node.op === ops.broadcastOp) return spread(node).every((from, i) => from >= 0 || node.dims[i]!.size === 1);
  if (node.op === ops.concatOp) return node.inputs.length === 1;
  if (node.op === ops.sliceOp)
    return node.attrs.start === 0 && sameSize(axisOf(node).size, (node.attrs.to as Axis).size);
  return false;
}

/** The value whose numbers a view shows; any other value is its own. */
export function base(value: Value): Value {
  let at = value;
  while (isView(at)) at = at.inputs[0]!;
  return at;
}

function keepsOrder(node: Value): boolean {
  const { split, perm } = ops.rearrangeSteps(node);
  // An axis of one element may stand anywhere.
  const moved = perm.filter((p) => split[p] !== 1);
  return moved.every((p, i) => i === 0 || p > moved[i - 1]!);
}

/** For each axis of a broadcast the axis of its input that runs along it, or -1 where the input is repeated. */
export function spread(node: Value): number[] {
  const from = node.inputs[0]!.dims;
  let at = 0;
  return node.dims.map((d) => {
    const a = from[at];
    return a !== undefined && a.name === d.name && sameSize(a.size, d.size) ? at++ : -1;
  });
}

/** The place among the input's axes of the one that `attrs.axis` names. */
export const axisIndex = (node: Value): number => node.inputs[0]!.dims.findIndex((d) => d.name === node.attrs.axis);

const axisOf = (node: Value): Axis & { size: Size } => node.inputs[0]!.dims[axisIndex(node)]!;
