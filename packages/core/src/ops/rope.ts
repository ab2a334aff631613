import { type Axis, axis, fuse } from "../graph/axis.js";
import { printSize } from "../graph/size.js";
import { emit, floats, GraphError, type OpDef, sameAxis, sameDims, type Value } from "../graph/value.js";
import { add, broadcast, cast, mul, sub } from "./elementwise.js";
import { constant } from "./leaves.js";
import { concat, rearrange, relabel, slice } from "./shape.js";

/** Which two numbers of a head make a pair: `half`: i and i + dim/2 (the released weights); `interleaved`: 2i and 2i + 1 (the paper). */
export type Pairing = "half" | "interleaved";

/**
 * The angles of rotary positions: position * theta^(-j/n) for j = 0 .. n-1: attrs `theta`, `to` (the axis of the n
 * angles), and, where there is any, `scaling` of the frequencies. Su et al., RoFormer, 2021. For one axis of a 2D position the n angles are a quarter of the head, Heo et al., 2024.
 */
export const ropeAnglesOp: OpDef = {
  name: "rope_angles",
  infer([at], attrs) {
    if (at!.dtype !== "i32") throw new GraphError(`positions are i32, not ${at!.dtype}`);
    return { dims: [...at!.dims, attrs.to as Axis], dtype: "f32" };
  },
  decompose([at], attrs) {
    const to = attrs.to as Axis;
    const like = { dims: [...at!.dims, to] };
    const unscaled = inverseFrequencies(Number(attrs.theta), to.size as number);
    const frequencies = attrs.scaling === undefined ? unscaled : scaled(unscaled, attrs.scaling as unknown as Scaling);
    return mul(broadcast(cast(at!, "f32"), like), broadcast(constant(frequencies, [to]), like));
  },
};

/** theta^(-j/n), rounded to float32 as the reference implementation holds them. */
export const inverseFrequencies = (theta: number, n: number): number[] =>
  Array.from({ length: n }, (_, j) => Math.fround(1 / Math.fround(theta ** Math.fround(j / n))));

/** How Llama 3.1 stretches positions. */
export interface RopeScaling {
  readonly factor: number;
  readonly lowFrequency: number;
  readonly highFrequency: number;
  /** The positions that the model was first trained on. */
  readonly positions: number;
}
type Scaling = readonly [factor: number, low: number, high: number, positions: number];

/**
 * Llama 3.1's frequencies: those that turn less than `low` times over the first training's positions are divided by the
 * factor, those that turn more than `high` times stay, and between them one goes over into the other. The Llama 3 Herd of
 * Models, 2024, as transformers computes it (`rope_type: "llama3"`), in float32.
 */
const scaled = (frequencies: readonly number[], [factor, low, high, positions]: Scaling): number[] => {
  const f = Math.fround;
  return frequencies.map((frequency) => {
    const length = f(f(2 * Math.PI) / frequency);
    if (length > positions / low) return f(frequency / factor);
    if (length < positions / high) return frequency;
    const smooth = f(f(f(positions / length) - low) / f(high - low));
    return f(f(f(f(1 - smooth) * frequency) / factor) + f(smooth * frequency));
  });
};

/** @param at positions, i32 @returns an angle for each position and frequency */
export const ropeAngles = <P extends string, N extends string>(
  at: Value<P>,
  theta: number,
  to: Axis<N>,
  scaling?: RopeScaling,
): Value<`${P} ${N}`> => {
  if (scaling === undefined) return emit(ropeAnglesOp, [at], { theta, to });
  const { factor, lowFrequency, highFrequency, positions } = scaling;
  return emit(ropeAnglesOp, [at], { theta, to, scaling: [factor, lowFrequency, highFrequency, positions] });
};

/**
 * Rotate each pair of a head's numbers by its angle: x `[batch seq head dim]`, cos and sin `[seq rot]` with rot = dim/2:
 * attrs `pairing`. (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin).
 */
export const rotateOp: OpDef = {
  name: "rotate",
  infer([x, cos, sin]) {
    floats(x, cos, sin);
    const [dim, seq, rot] = [x!.dims.at(-1)!, x!.dims.at(-3), cos!.dims.at(-1)!];
    const fits =
      seq !== undefined && cos!.dims.length === 2 && sameAxis(cos!.dims[0]!, seq) && sameDims(cos!.dims, sin!.dims);
    if (!fits) throw new GraphError("cos and sin must be [position angle] of the positions of x");
    if (typeof dim.size !== "number" || rot.size !== dim.size / 2)
      throw new GraphError(`a head of ${printSize(dim.size)} takes half as many angles, not ${printSize(rot.size)}`);
    return { dims: x!.dims, dtype: x!.dtype };
  },
  decompose([x, cos, sin], attrs) {
    if (attrs.pairing === "interleaved") return rotateInterleaved(x!, cos!, sin!);
    return rotateHalves(x!, cos!, sin!);
  },
};

function rotateHalves(x: Value, cos: Value, sin: Value): Value {
  const dim = x.dims.at(-1)!;
  const rot = cos.dims.at(-1)!;
  const first = slice(x, dim.name, 0, rot);
  const second = slice(x, dim.name, rot.size, rot);
  const [c, s] = [broadcast(cos, first), broadcast(sin, first)];
  return concat([sub(mul(first, c), mul(second, s)), add(mul(second, c), mul(first, s))], rot.name, dim);
}

/** The same after sorting the pairs into halves, and back. */
function rotateInterleaved(x: Value, cos: Value, sin: Value): Value {
  const dim = x.dims.at(-1)!;
  const rot = cos.dims.at(-1)!;
  const pair = axis("pair", 2);
  const lead = x.axes.slice(0, -dim.name.length);
  const pairs = relabel<string>(x, { [dim.name]: fuse(rot, pair) });
  const halves = relabel(rearrange(pairs, `${pairs.axes} -> ${lead}pair*${rot.name}`), { [`pair*${rot.name}`]: dim });
  const rotated = relabel<string>(rotateHalves(halves, cos, sin), { [dim.name]: fuse(pair, rot) });
  return relabel(rearrange(rotated, `${rotated.axes} -> ${lead}${rot.name}*pair`), { [`${rot.name}*pair`]: dim });
}

export function rotate<B extends string, S extends string, H extends string, D extends string>(
  x: Value<`${B} ${S} ${H} ${D}`>,
  cos: Value<`${NoInfer<S>} rot`>,
  sin: Value<`${NoInfer<S>} rot`>,
  pairing: Pairing = "half",
): Value<`${B} ${S} ${H} ${D}`> {
  return emit(rotateOp, [x, cos, sin], { pairing });
}
