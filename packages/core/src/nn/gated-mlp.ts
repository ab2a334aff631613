import type { Axis } from "../graph/axis.js";
import type { Value } from "../graph/value.js";
import { mul } from "../ops/elementwise.js";
import { linear } from "./linear.js";
import { type Module, module } from "./module.js";

/**
 * A feed-forward layer with a gate: down(activation(gate(x)) * up(x)), no biases. SwiGLU with SiLU, GeGLU with GELU.
 * Shazeer, 2020.
 */
export const gatedMlp = <E extends string, H extends string>(
  embed: Axis<E>,
  hidden: Axis<H>,
  activation: <A extends string>(x: Value<A>) => Value<A>,
): Module<<L extends string>(x: Value<`${L} ${E}`>) => Value<`${L} ${E}`>> =>
  module(
    {
      gate_proj: linear(embed, hidden, { bias: false }),
      up_proj: linear(embed, hidden, { bias: false }),
      down_proj: linear(hidden, embed, { bias: false }),
    },
    (m) =>
      <L extends string>(x: Value<`${L} ${E}`>) =>
        m.down_proj<L>(mul(activation(m.gate_proj<L>(x)), m.up_proj<L>(x))),
  );
