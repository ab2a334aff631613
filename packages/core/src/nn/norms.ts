import type { Axis } from "../graph/axis.js";
import type { Value } from "../graph/value.js";
import { add } from "../ops/elementwise.js";
import * as op from "../ops/norm.js";
import { type Module, module, param } from "./module.js";

export type Norm<N extends string> = <L extends string>(x: Value<`${L} ${N}`>) => Value<`${L} ${N}`>;

export interface RmsNormOptions {
  /** What is added to the stored weight: 1 in Gemma, whose weights lie around 0; 0 unless given. */
  readonly offset?: number;
}

/** Root-mean-square norm over the last axis: weight `[width]`. */
export const rmsNorm = <N extends string>(
  width: Axis<N>,
  eps: number,
  { offset = 0 }: RmsNormOptions = {},
): Module<Norm<N>> =>
  module({ weight: param(width) }, (m) => (x) => op.rmsNorm(x, offset === 0 ? m.weight : add(m.weight, offset), eps));

/** Layer norm over the last axis: weight and bias `[width]`. */
export const layerNorm = <N extends string>(width: Axis<N>, eps: number): Module<Norm<N>> =>
  module({ weight: param(width), bias: param(width) }, (m) => (x) => op.layerNorm(x, m.weight, m.bias, eps));
