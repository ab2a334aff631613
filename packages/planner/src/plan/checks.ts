import { type Axis, addSizes, type Graph, ops, type Size, type Value } from "@hulu/core";
import type { Plan, PlannedIndex, PlannedSize } from "../plan.js";
import type { Uses } from "./uses.js";
import { axisIndex, base } from "./views.js";

/** Any number below zero keeps the text, as `splice` means it. */
const LEAST_I32 = -(2 ** 31);

/** What must hold for a run of a graph: sizes that could be wrong, and inputs that are indices. */
export function checksOf({ graph, order }: { graph: Graph; order: Uses["order"] }): Pick<Plan, "sizes" | "indices"> {
  const inputs = Object.values(graph.inputs);
  const values = [...new Set([...inputs, ...order])];
  const dims = values.flatMap((v) => v.dims).map(({ name, size }): PlannedSize => ({ size, axis: name }));
  const starts = values.flatMap((v) => (v.op === ops.sliceOp ? sliceSizes(v) : []));
  return {
    sizes: unique([...dims, ...starts].filter(isOpen)),
    indices: unique(values.flatMap((v) => indexOf(v) ?? [])),
  };
}

function sliceSizes(node: Value): PlannedSize[] {
  const start = node.attrs.start as Size;
  const { name, size: most } = node.inputs[0]!.dims[axisIndex(node)]!;
  return [
    { size: start, axis: name },
    { size: addSizes(start, (node.attrs.to as Axis).size), most, axis: name },
  ];
}

/** Whether a size may come out wrong. */
function isOpen({ size, most }: PlannedSize): boolean {
  if (most !== undefined) return typeof size !== "number" || typeof most !== "number";
  return typeof size === "number" ? size < 0 : Object.values(size.terms).some((factor) => factor < 0);
}

function indexOf(node: Value): PlannedIndex | undefined {
  const gathers = node.op === ops.gatherOp;
  if (!gathers && node.op !== ops.spliceOp) return undefined;
  const index = base(node.inputs[gathers ? 1 : 2]!);
  if (index.op !== ops.inputOp) return undefined;
  const { name, size } = gathers ? node.inputs[0]!.dims[axisIndex(node)]! : node.inputs[1]!.dims[0]!;
  return { input: String(index.attrs.name), least: gathers ? 0 : LEAST_I32, end: size, axis: name };
}

const unique = <T>(list: readonly T[]): T[] => [...new Map(list.map((x) => [JSON.stringify(x), x])).values()];
