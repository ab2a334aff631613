import { type Axis, axis, fuse } from "../graph/axis.js";
import { mark } from "../graph/graph.js";
import { symbol } from "../graph/size.js";
import type { Value } from "../graph/value.js";
import { embedding, gatedMlp, linear, module, rmsNorm } from "../nn/index.js";
import * as op from "../ops/index.js";
import { ConfigError } from "./fields.js";

/** A decoder of the Gemma 2 and 3 kind; the fields that follow `eps` are what tells it from Qwen and Llama. */
export interface Gemma3Config<E extends number = number> {
  readonly vocab: number;
  readonly embed: E;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly hidden: number;
  readonly eps: number;
  /** `query_pre_attn_scalar`: scores are divided by its square root. */
  readonly queryScalar: number;
  /** How many keys a row of a sliding layer sees, its own among them. */
  readonly window: number;
  /** Every n-th layer is global, the others slide: 6 in Gemma 3 (the sixth, the twelfth...), 2 in Gemma 2. */
  readonly globalEvery: number;
  readonly ropeTheta: number;
  /** Of the sliding layers. */
  readonly localTheta: number;
  /** The positions of global layers are divided by it: 8 from Gemma 3 4B on, else 1. */
  readonly ropeFactor: number;
  /** An RMS norm on each query and key head (Gemma 3). */
  readonly qkNorm: boolean;
  /** Of attention scores and of logits: 50 and 30 in Gemma 2, neither in Gemma 3. */
  readonly softcap?: number;
  readonly finalSoftcap?: number;
  /** What embeddings are multiplied by: sqrt(embed) unless given. The bfloat16 originals round it (55.5 for 3072). */
  readonly embedScale?: number;
}

/** How each position of a run is rotated. */
export interface Rotation {
  readonly cos: Value<"seq rot">;
  readonly sin: Value<"seq rot">;
}
/** What every layer is told: the rotation of global layers and of sliding ones. */
export interface Gemma3Context {
  readonly global: Rotation;
  readonly local: Rotation;
  readonly past: op.Past | undefined;
}

const axesOf = (c: Gemma3Config) => ({
  vocab: axis("vocab", c.vocab),
  embed: axis("embed", c.embed),
  head: axis("head", c.heads),
  kv: axis("kv", c.kvHeads),
  dim: axis("dim", c.headDim),
  rot: axis("rot", c.headDim / 2),
  hidden: axis("hidden", c.hidden),
});
type Axes = ReturnType<typeof axesOf>;
type Gemma3 = Omit<Gemma3Config, keyof Axes> & Axes;

/** Its weight lies around 0: x / rms(x) * (1 + weight). */
const norm = <N extends string>(width: Axis<N>, { eps }: Gemma3) => rmsNorm(width, eps, { offset: 1 });

const selfAttention = (c: Gemma3, sliding: boolean) =>
  module(
    {
      q_proj: linear(c.embed, fuse(c.head, c.dim), { bias: false }),
      k_proj: linear(c.embed, fuse(c.kv, c.dim), { bias: false }),
      v_proj: linear(c.embed, fuse(c.kv, c.dim), { bias: false }),
      o_proj: linear(fuse(c.head, c.dim), c.embed, { bias: false }),
      q_norm: c.qkNorm ? norm(c.dim, c) : undefined,
      k_norm: c.qkNorm ? norm(c.dim, c) : undefined,
    },
    (m) =>
      (x: Value<"batch seq embed">, { global, local, past }: Gemma3Context) => {
        const { cos, sin } = sliding ? local : global;
        const q = op.rearrange(m.q_proj(x), "batch seq head*dim -> batch seq head dim");
        const k = op.rearrange(m.k_proj(x), "batch seq kv*dim -> batch seq kv dim");
        const v = op.rearrange(m.v_proj(x), "batch seq kv*dim -> batch seq kv dim");
        const queries = op.rotate(m.q_norm?.(q) ?? q, cos, sin);
        const keys = op.rotate(m.k_norm?.(k) ?? k, cos, sin);
        const window = sliding ? c.window : undefined;
        const rule = { scale: c.queryScalar ** -0.5, causal: true, window, softcap: c.softcap };
        const mixed = past
          ? op.attention(queries, op.append(keys, past, "keys"), op.append(v, past, "values"), rule)
          : op.attention(queries, keys, v, rule);
        return m.o_proj(op.rearrange(mixed, "batch seq head dim -> batch seq head*dim"));
      },
  );

/** A norm before and a norm behind each of the two branches. */
const layer = (c: Gemma3, sliding: boolean) =>
  module(
    {
      input_layernorm: norm(c.embed, c),
      self_attn: selfAttention(c, sliding),
      post_attention_layernorm: norm(c.embed, c),
      pre_feedforward_layernorm: norm(c.embed, c),
      mlp: gatedMlp(c.embed, c.hidden, op.geluTanh),
      post_feedforward_layernorm: norm(c.embed, c),
    },
    (m) => (x: Value<"batch seq embed">, context: Gemma3Context) => {
      const h = op.add(x, m.post_attention_layernorm(m.self_attn(m.input_layernorm(x), context)));
      return op.add(h, m.post_feedforward_layernorm(m.mlp(m.pre_feedforward_layernorm(h))));
    },
  );

/**
 * The text decoder of Gemma 3 (Gemma Team, 2025), and of Gemma 2 by its options: sliding-window layers between global
 * ones, norms on both sides of each branch, GeGLU. A session keeps all rows of every layer, of the sliding ones too.
 * @throws ConfigError for a `globalEvery` that is no whole number from 1
 */
export function gemma3<const E extends number>(config: Gemma3Config<E>) {
  const axes = axesOf(config);
  const c: Gemma3 = { ...config, ...axes };
  const { finalSoftcap: cap, globalEvery } = config;
  if (!(Number.isInteger(globalEvery) && globalEvery >= 1))
    throw new ConfigError(`globalEvery is a whole number of layers from 1, not ${globalEvery}`);
  const rotation = (name: string, at: Value<"seq">, theta: number, factor: number): Rotation => {
    const angles = mark(name, op.mul(op.ropeAngles(at, theta, c.rot), 1 / factor));
    return { cos: op.cos(angles), sin: op.sin(angles) };
  };
  return {
    config,
    width: axes.embed as Axis<"embed", E>,
    embed_tokens: embedding(c.vocab, c.embed, { scale: c.embedScale ?? c.embed.size ** 0.5 }),
    layers: Array.from({ length: c.layers }, (_, i) => layer(c, (i + 1) % globalEvery !== 0)),
    norm: norm(c.embed, c),
    lm_head: undefined,
    logits: (scores: Value<"batch pick vocab">) =>
      cap === undefined ? scores : op.mul(op.tanh(op.div(scores, cap)), cap),
    positions: (past?: op.Past): Gemma3Context => {
      const at = op.iota(axis("seq", symbol("seq")), past?.axis.size);
      const global = rotation("rope_angles", at, c.ropeTheta, c.ropeFactor);
      return { global, local: rotation("rope_angles_local", at, c.localTheta, 1), past };
    },
  };
}
