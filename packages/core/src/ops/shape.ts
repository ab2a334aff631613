import { type Axis, atoms, fuse, namesOf } from "../graph/axis.js";
import { addSizes, printSize, type Size, sameSize } from "../graph/size.js";
import { emit, GraphError, type OpDef, sameDims, type Value } from "../graph/value.js";

// Operations that move numbers without changing them.

function rearranged(from: readonly Axis[], pattern: string): readonly Axis[] {
  const [left, right, ...more] = pattern.split(" -> ");
  if (left === undefined || right === undefined || more.length > 0)
    throw new GraphError(`a pattern is "axes -> axes", not "${pattern}"`);
  if (left !== namesOf(from)) throw new GraphError(`the pattern "${pattern}" does not begin with "${namesOf(from)}"`);
  const parts = new Map(from.flatMap(atoms).map((a) => [a.name, a]));
  const to = right.split(" ").map((group) =>
    fuse(
      ...group.split("*").map((name) => {
        const part = parts.get(name);
        if (part === undefined)
          throw new GraphError(`"${pattern}" asks for ${name}, which is not among ${[...parts.keys()].join(", ")}`);
        parts.delete(name);
        return part;
      }),
    ),
  );
  if (parts.size > 0) throw new GraphError(`"${pattern}" loses ${[...parts.keys()].join(", ")}`);
  return to;
}

/**
 * Split fused axes, change the order of axes, fuse axes: attrs `pattern`, as in `batch seq head*dim -> batch head seq dim`.
 * The last part of a fused axis runs fastest.
 */
export const rearrangeOp: OpDef = {
  name: "rearrange",
  infer: ([x], attrs) => ({ dims: rearranged(x!.dims, String(attrs.pattern)), dtype: x!.dtype }),
};

/** What a rearrangement is in plain steps: reshape to `split`, transpose by `perm`, reshape to the result's sizes. */
export function rearrangeSteps(node: Value): { split: readonly Size[]; perm: readonly number[]; out: readonly Size[] } {
  const split = node.inputs[0]!.dims.flatMap(atoms);
  const order = split.map((a) => a.name);
  const perm = node.dims.flatMap(atoms).map((a) => order.indexOf(a.name));
  return { split: split.map((a) => a.size), perm, out: node.dims.map((d) => d.size) };
}

export function rearrange<A extends string, B extends string>(x: Value<A>, pattern: `${NoInfer<A>} -> ${B}`): Value<B> {
  return emit(rearrangeOp, [x], { pattern });
}

/** Call the axes something else, the sizes and the order unchanged: attrs `dims`. */
export const relabelOp: OpDef = {
  name: "relabel",
  infer([x], attrs) {
    const dims = attrs.dims as readonly Axis[];
    const same = dims.length === x!.dims.length && dims.every((d, i) => sameSize(d.size, x!.dims[i]!.size));
    if (!same)
      throw new GraphError(`"${namesOf(dims)}" has other sizes: ${dims.map((d) => printSize(d.size)).join(" ")}`);
    return { dims, dtype: x!.dtype };
  },
};

/** Rename some axes; each new axis must have the size of the old one. */
export function relabel<R extends string>(x: Value, change: Readonly<Record<string, Axis>>): Value<R> {
  const missing = Object.keys(change).find((name) => !x.dims.some((d) => d.name === name));
  if (missing !== undefined) throw new GraphError(`relabel: "${x.axes}" has no axis ${missing}`);
  return emit(relabelOp, [x], { dims: x.dims.map((d) => (Object.hasOwn(change, d.name) ? change[d.name]! : d)) });
}

/** Part of one axis: attrs `axis`, `start`, `to` (the axis that takes its place, with its size). */
export const sliceOp: OpDef = {
  name: "slice",
  infer([x], attrs) {
    const at = x!.dims.findIndex((d) => d.name === attrs.axis);
    if (at < 0) throw new GraphError(`there is no axis ${attrs.axis}`);
    const to = attrs.to as Axis;
    const [full, end] = [x!.dims[at]!.size, addSizes(attrs.start as Size, to.size)];
    if (typeof full === "number" && typeof end === "number" && end > full)
      throw new GraphError(`${end} is past the end of ${attrs.axis}=${full}`);
    return { dims: x!.dims.with(at, to), dtype: x!.dtype };
  },
};

export const slice = <R extends string>(x: Value, axis: string, start: Size, to: Axis): Value<R> =>
  emit(sliceOp, [x], { axis, start, to });

/** One behind the other along an axis: attrs `axis` (the same name in all), `to` (the axis of the result). */
export const concatOp: OpDef = {
  name: "concat",
  infer(inputs, attrs) {
    const to = attrs.to as Axis;
    const first = inputs[0];
    if (first === undefined) throw new GraphError("there is nothing to join");
    const at = (v: Value) => v.dims.findIndex((d) => d.name === attrs.axis);
    const others = (v: Value) => v.dims.filter((d) => d.name !== attrs.axis);
    let size: Size = 0;
    for (const v of inputs) {
      if (at(v) < 0 || at(v) !== at(first) || v.dtype !== first.dtype || !sameDims(others(v), others(first)))
        throw new GraphError(`all must have the same axes but for the size of ${attrs.axis}`);
      size = addSizes(size, v.dims[at(v)]!.size);
    }
    if (!sameSize(size, to.size))
      throw new GraphError(`${to.name} is ${printSize(to.size)}, the parts are ${printSize(size)}`);
    return { dims: first.dims.with(at(first), to), dtype: first.dtype };
  },
};

export const concat = <R extends string>(inputs: readonly Value[], axis: string, to: Axis): Value<R> =>
  emit(concatOp, inputs, { axis, to });
