import type { Axis } from "../graph/axis.js";
import type { Value } from "../graph/value.js";
import { linear as linearOp } from "../ops/linear.js";
import { type Module, module, param } from "./module.js";

export interface LinearOptions {
  /** Whether a bias is added; true unless said otherwise. */
  readonly bias?: boolean;
}
export type Linear<I extends string, O extends string> = <L extends string>(
  x: Value<`${L} ${I}`>,
) => Value<`${L} ${O}`>;

/** x W^T + b over the last axis: weight `[out in]`, bias `[out]`. */
export function linear<I extends string, O extends string>(
  inner: Axis<I>,
  out: Axis<O>,
  { bias = true }: LinearOptions = {},
): Module<Linear<I, O>> {
  return module(
    { weight: param(out, inner), bias: bias ? param(out) : undefined },
    (m) =>
      <L extends string>(x: Value<`${L} ${I}`>) =>
        linearOp<L, I, O>(x, m.weight as Value<`${O} ${I}`>, m.bias),
  );
}
