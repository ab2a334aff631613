import { type Axis, axis } from "../graph/axis.js";
import type { Value } from "../graph/value.js";
import { linear } from "../nn/linear.js";
import { type Module, module } from "../nn/module.js";
import { gelu } from "../ops/activation.js";
import { relabel } from "../ops/shape.js";
import { ConfigError } from "./fields.js";

export type ProjectorKind = "linear" | "identity" | `mlp${number}x_gelu`;

/** From the vision width to the decoder's. */
export interface Projector<V extends number = number, E extends number = number> {
  readonly kind: ProjectorKind;
  readonly from: Axis<"vision", V>;
  readonly to: Axis<"embed", E>;
  readonly module: Module<(x: Value<"kept vision">) => Value<"kept embed">>;
}

/**
 * `mlpNx_gelu`: N linears with an exact GELU between; `linear`: one; `identity`: none, and then the widths must be equal.
 * @throws ConfigError for a kind that is none of these, or an identity between two widths
 */
export function projector<const V extends number, const E extends number>(
  kind: ProjectorKind,
  vision: V,
  embed: E,
): Projector<V, E> {
  const from: Axis<"vision", V> = axis("vision", vision);
  const to: Axis<"embed", E> = axis("embed", embed);
  return { kind, from, to, module: blocks(kind, from, to) };
}

function blocks(kind: ProjectorKind, from: Axis<"vision">, to: Axis<"embed">): Projector["module"] {
  if (kind === "linear") return linear(from, to);
  if (kind === "identity") {
    if (from.size !== to.size)
      throw new ConfigError(
        `an identity projector needs equal widths; the vision width is ${from.size}, the decoder's ${to.size}`,
      );
    return module({}, () => (x) => relabel<"kept embed">(x, { vision: to }));
  }
  const depth = Number(/^mlp([1-9]\d?)x_gelu$/.exec(kind)?.[1]);
  if (!(depth >= 1)) throw new ConfigError(`a projector is mlpNx_gelu, linear or identity, not "${kind}"`);
  // The linears stand at the even indices of upstream's list, the activations at the odd ones.
  const readout = module(
    {
      0: linear(from, to),
      ...Object.fromEntries(Array.from({ length: depth - 1 }, (_, i) => [2 * i + 2, linear(to, squared(to))])),
    },
    (m) => (x: Value<"kept vision">) => {
      const { 0: first, ...rest } = m;
      return Object.values(rest as Record<string, ToItself>).reduce<Value<"kept embed">>(
        (h, next) => unsquare(next(gelu(h)), to),
        first(x),
      );
    },
  );
  return module({ readout }, (m) => m.readout);
}

type ToItself = (x: Value<"kept embed">) => Value<"kept embed'">;
/** A linear from a width to itself needs a second name for it: no value has one axis twice. */
const squared = (to: Axis<"embed">): Axis<"embed'"> => axis("embed'", to.size);
const unsquare = (x: Value<"kept embed'">, to: Axis<"embed">): Value<"kept embed"> => relabel(x, { "embed'": to });
