import { type Axis, axis } from "../graph/axis.js";
import { subtractSizes } from "../graph/size.js";
import { emit, floats, GraphError, type OpDef, sameAxis, sameDims, type Value } from "../graph/value.js";
import { abs, broadcast, less, max, mul, sub, where } from "./elementwise.js";
import { gather } from "./gather.js";
import { reduceSum } from "./reduce.js";
import { concat, rearrange, relabel, slice } from "./shape.js";

/**
 * The weighted mean of each window of patches: `[frame token*window vision]`, weights `[window]` -> `[frame token vision]`.
 * With the weights of `mergeWeights(m)` it is the bilinear resize to 1/m (no antialias, align_corners = false) that the
 * released code makes; patches come in merge-block order.
 */
export const tokenMergeOp: OpDef = {
  name: "token_merge",
  infer([x, weights]) {
    floats(x, weights);
    if (x!.dims.length !== 3) throw new GraphError("patches are [frame token*window vision]");
    const [frame, patch, vision] = x!.dims as [Axis, Axis, Axis];
    const [token, window, ...more] = patch.parts ?? [];
    if (token === undefined || window === undefined || more.length > 0)
      throw new GraphError("the second axis must be token*window");
    if (!sameDims(weights!.dims, [window]))
      throw new GraphError("there must be one weight for each place of the window");
    return { dims: [frame, token, vision], dtype: "f32" };
  },
  decompose([x, weights]) {
    const { 1: patch } = x!.dims as readonly [Axis, Axis, Axis];
    const [token, window] = patch.parts as readonly [Axis, Axis];
    const [frame, , vision] = x!.axes.split(" ");
    const windows = rearrange(x!, `${x!.axes} -> ${frame} ${token.name} ${window.name} ${vision}`);
    return reduceSum(mul(windows, broadcast(weights!, windows)), window.name);
  },
};

export const tokenMerge = <F extends string, T extends string, W extends string, V extends string>(
  x: Value<`${F} ${T}*${W} ${V}`>,
  weights: Value<W>,
): Value<`${F} ${T} ${V}`> => emit(tokenMergeOp, [x, weights]);

/**
 * How far each token is from the one at its place in the frame before, as an L1 norm: `[frame token vision]` and the last
 * frame of the chunk before, `[token vision]` -> `[frame token]`. Hulu-Med, Methods.
 */
export const frameDifferenceOp: OpDef = {
  name: "frame_difference",
  infer([x, before]) {
    floats(x, before);
    if (x!.dims.length !== 3 || !sameDims(x!.dims.slice(1), before!.dims))
      throw new GraphError("the frame before must be [token vision] of the same size");
    return { dims: x!.dims.slice(0, 2), dtype: "f32" };
  },
  decompose([x, before]) {
    const [frame, , vision] = x!.dims as [Axis, Axis, Axis];
    const one = broadcast(before!, { dims: [axis("single", 1), ...before!.dims] });
    const first = relabel(one, { single: { name: frame.name, size: 1 } });
    const rest = slice(x!, frame.name, 0, { name: frame.name, size: subtractSizes(frame.size, 1) });
    const shifted = concat(frame.size === 1 ? [first] : [first, rest], frame.name, frame);
    return reduceSum(abs(sub(x!, shifted)), vision.name);
  },
};

export const frameDifference = <F extends string, T extends string, V extends string>(
  x: Value<`${F} ${T} ${V}`>,
  before: Value<`${NoInfer<T>} ${NoInfer<V>}`>,
): Value<`${F} ${T}`> => emit(frameDifferenceOp, [x, before]);

/**
 * Put visual rows among text: text `[batch seq embed]`, visual `[row embed]`, index i32 `[batch seq]`: where the index is
 * -1 the text stays, elsewhere that row takes its place.
 */
export const spliceOp: OpDef = {
  name: "splice",
  infer([text, visual, index]) {
    floats(text, visual);
    if (text!.dims.length === 0 || visual!.dims.length !== 2) throw new GraphError("visual rows are [row embed]");
    if (!sameDims(text!.dims.slice(0, -1), index!.dims))
      throw new GraphError("there must be one index for each position of the text");
    if (!sameAxis(text!.dims.at(-1)!, visual!.dims.at(-1)!))
      throw new GraphError("text and visual rows differ in width");
    if (index!.dtype !== "i32") throw new GraphError(`an index is i32, not ${index!.dtype}`);
    return { dims: text!.dims, dtype: "f32" };
  },
  decompose([text, visual, index]) {
    const rows = gather(visual!, max(index!, 0), visual!.dims[0]!.name);
    return where(broadcast(less(index!, 0), text!), text!, rows);
  },
};

export const splice = <L extends string, E extends string, R extends string>(
  text: Value<`${L} ${E}`>,
  visual: Value<`${R} ${NoInfer<E>}`>,
  index: Value<NoInfer<L>>,
): Value<`${L} ${E}`> => emit(spliceOp, [text, visual, index]);
