import { axis } from "../graph/axis.js";
import { GraphError, type Value } from "../graph/value.js";
import { add, mul } from "../ops/elementwise.js";
import { type Linear, linear } from "./linear.js";
import { type Module, module } from "./module.js";

export interface LoraOptions {
  /** The width between A and B. */
  readonly rank: number;
  /** The correction counts alpha / rank times. */
  readonly alpha: number;
}

/**
 * A linear with a low-rank correction: y = W x + b + (alpha / rank) B (A x). Hu et al., LoRA, 2021.
 *
 * The linear's own weights keep their names; new are `lora_A.weight` `[rank in]` and `lora_B.weight` `[out rank]`, as PEFT
 * names them. For use with `replace`: `replace(root, "model.layers.0.self_attn.q_proj", (old) => lora(old, options))`.
 * @param old a linear: a module with a weight `[out in]`
 * @throws GraphError for another module, one that has its correction already, or a rank or alpha that is not above 0
 */
export function lora(old: Module<unknown>, { rank, alpha }: LoraOptions): Module<Linear<string, string>> {
  if (!(Number.isInteger(rank) && rank >= 1)) throw new GraphError(`rank is a whole number from 1, not ${rank}`);
  if (!(Number.isFinite(alpha) && alpha > 0)) throw new GraphError(`alpha is a finite number above 0, not ${alpha}`);
  const { inner, out } = sidesOf(old);
  const middle = axis("rank", rank);
  const corrections = {
    lora_A: linear<string, string>(inner, middle, { bias: false }),
    lora_B: linear<string, string>(middle, out, { bias: false }),
  };
  return module({ ...old.children, ...corrections }, (m) => {
    const plain = (old.forward as (children: unknown) => Linear<string, string>)(m);
    if (typeof plain !== "function") throw new GraphError("LoRA goes around a linear; this module is not one function");
    const { lora_A, lora_B } = m as Readonly<Record<string, Linear<string, string>>>;
    return <L extends string>(x: Value<`${L} ${string}`>) =>
      add(plain<L>(x), mul(lora_B!<L>(lora_A!<L>(x)), alpha / rank));
  });
}

function sidesOf(old: Module<unknown>) {
  const { weight, lora_A } = old.children;
  const has = Object.keys(old.children).join(", ") || "no children";
  if (weight === undefined || !("kind" in weight) || weight.kind !== "param" || weight.dims.length !== 2)
    throw new GraphError(`LoRA goes around a linear, which has a weight [out in]; this module has ${has}`);
  if (lora_A !== undefined) throw new GraphError("this linear has a LoRA correction already");
  const [out, inner] = weight.dims;
  return { out: out!, inner: inner! };
}
