import { type Axis, addSizes, multiplySizes, ops, type Size, sameSize, type Value } from "@hulu/core";
import { product, stridesOf } from "./sizes.js";
import { axisIndex, spread } from "./views.js";

/** One axis of a copy: how many elements, and how far apart they lie on either side. */
export interface CopyAxis {
  readonly size: Size;
  readonly from: Size;
  readonly to: Size;
}

/** y[to + sum i*t] = x[from + sum i*s]: see the kernel `copy`. */
export interface Copy {
  readonly axes: readonly CopyAxis[];
  readonly from: Size;
  readonly to: Size;
}

/** How many axes the kernel takes. */
export const COPY_AXES = 6;

/** The same copy with axes that lie together fused, and those of one element left out. */
export function fused(axes: readonly CopyAxis[]): CopyAxis[] {
  const kept: CopyAxis[] = [];
  for (const inner of axes) {
    if (inner.size === 1) continue;
    const outer = kept.at(-1);
    const along = (side: "from" | "to") => sameSize(outer![side], multiplySizes(inner[side], inner.size));
    if (outer !== undefined && along("from") && along("to"))
      kept[kept.length - 1] = { ...inner, size: multiplySizes(outer.size, inner.size) };
    else kept.push(inner);
  }
  return kept;
}

/** Numbers in their order. */
export const straight = (count: Size, from: Size = 0, to: Size = 0): Copy => ({
  axes: fused([{ size: count, from: 1, to: 1 }]),
  from,
  to,
});

/** The copies that make a value of those that it is made of: one for each input. */
export function copiesOf(node: Value): Copy[] {
  if (node.op === ops.rearrangeOp) return [rearranged(node)];
  if (node.op === ops.broadcastOp) return [repeated(node)];
  if (node.op === ops.sliceOp) return [sliced(node)];
  return joined(node);
}

function rearranged(node: Value): Copy {
  const { split, perm } = ops.rearrangeSteps(node);
  const from = stridesOf(split);
  const sizes = perm.map((p) => split[p]!);
  const to = stridesOf(sizes);
  return { axes: fused(perm.map((p, i) => ({ size: split[p]!, from: from[p]!, to: to[i]! }))), from: 0, to: 0 };
}

function repeated(node: Value): Copy {
  const from = stridesOf(node.inputs[0]!.dims.map((d) => d.size));
  const to = stridesOf(node.dims.map((d) => d.size));
  const axes = spread(node).map((p, i) => ({ size: node.dims[i]!.size, from: p < 0 ? 0 : from[p]!, to: to[i]! }));
  return { axes: fused(axes), from: 0, to: 0 };
}

function sliced(node: Value): Copy {
  const at = axisIndex(node);
  const x = node.inputs[0]!.dims;
  const inner = product(x.slice(at + 1));
  const { size } = node.attrs.to as Axis;
  const axes = [
    { size: product(x.slice(0, at)), from: multiplySizes(x[at]!.size, inner), to: multiplySizes(size, inner) },
    { size: multiplySizes(size, inner), from: 1, to: 1 },
  ];
  return { axes: fused(axes), from: multiplySizes(node.attrs.start as Size, inner), to: 0 };
}

function joined(node: Value): Copy[] {
  const at = axisIndex(node);
  const outer = product(node.dims.slice(0, at));
  const inner = product(node.dims.slice(at + 1));
  const row = multiplySizes(node.dims[at]!.size, inner);
  let to: Size = 0;
  return node.inputs.map((part) => {
    const run = multiplySizes(part.dims[at]!.size, inner);
    const axes = [
      { size: outer, from: run, to: row },
      { size: run, from: 1, to: 1 },
    ];
    const copy = { axes: fused(axes), from: 0, to };
    to = addSizes(to, run);
    return copy;
  });
}
