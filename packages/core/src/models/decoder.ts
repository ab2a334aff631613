import { type Axis, axis, fuse } from "../graph/axis.js";
import { mark } from "../graph/graph.js";
import { symbol } from "../graph/size.js";
import type { Value } from "../graph/value.js";
import { embedding, gatedMlp, linear, module, rmsNorm } from "../nn/index.js";
import * as op from "../ops/index.js";

/** What tells one decoder of this family from another: the sizes, and which of its options a checkpoint uses. */
export interface DecoderConfig<E extends number = number> {
  readonly family: "qwen2" | "qwen3" | "llama";
  readonly vocab: number;
  readonly embed: E;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** The width of a head: its own number, not embed / heads (4096 = 32 x 128 stands beside embed 2560 in Qwen3-4B). */
  readonly headDim: number;
  readonly hidden: number;
  readonly ropeTheta: number;
  /** Llama 3.1's longer positions. */
  readonly ropeScaling?: op.RopeScaling;
  readonly eps: number;
  /** A bias on q, k and v (Qwen2). */
  readonly qkvBias: boolean;
  /** A bias on the output projection (Llama's attention_bias). */
  readonly outBias: boolean;
  /** An RMS norm on each query and key head (Qwen3). */
  readonly qkNorm: boolean;
  /** The head reads the embedding's table; the checkpoint has no lm_head. */
  readonly tied: boolean;
}

/** The positions of this run: how each is rotated, what came before, and which sample each belongs to. */
export interface Context {
  readonly cos: Value<"seq rot">;
  readonly sin: Value<"seq rot">;
  readonly past?: op.Past;
  /** For packed training; no program of inference sets it. */
  readonly segments?: Value<"seq">;
}

const axesOf = <E extends number>(c: DecoderConfig<E>) => ({
  vocab: axis("vocab", c.vocab),
  embed: axis("embed", c.embed),
  head: axis("head", c.heads),
  kv: axis("kv", c.kvHeads),
  dim: axis("dim", c.headDim),
  hidden: axis("hidden", c.hidden),
});
type Axes = ReturnType<typeof axesOf>;
type Decoder = Omit<DecoderConfig, keyof Axes> & Axes;

const selfAttention = (c: Decoder) =>
  module(
    {
      q_proj: linear(c.embed, fuse(c.head, c.dim), { bias: c.qkvBias }),
      k_proj: linear(c.embed, fuse(c.kv, c.dim), { bias: c.qkvBias }),
      v_proj: linear(c.embed, fuse(c.kv, c.dim), { bias: c.qkvBias }),
      o_proj: linear(fuse(c.head, c.dim), c.embed, { bias: c.outBias }),
      q_norm: c.qkNorm ? rmsNorm(c.dim, c.eps) : undefined,
      k_norm: c.qkNorm ? rmsNorm(c.dim, c.eps) : undefined,
    },
    (m) =>
      (x: Value<"batch seq embed">, { cos, sin, past, segments }: Context) => {
        const q = op.rearrange(m.q_proj(x), "batch seq head*dim -> batch seq head dim");
        const k = op.rearrange(m.k_proj(x), "batch seq kv*dim -> batch seq kv dim");
        const v = op.rearrange(m.v_proj(x), "batch seq kv*dim -> batch seq kv dim");
        const queries = op.rotate(m.q_norm?.(q) ?? q, cos, sin);
        const keys = op.rotate(m.k_norm?.(k) ?? k, cos, sin);
        const rule = { scale: c.headDim ** -0.5, causal: true, segments };
        const mixed = past
          ? op.attention(queries, op.append(keys, past, "keys"), op.append(v, past, "values"), rule)
          : op.attention(queries, keys, v, rule);
        return m.o_proj(op.rearrange(mixed, "batch seq head dim -> batch seq head*dim"));
      },
  );

const decoderLayer = (c: Decoder) =>
  module(
    {
      input_layernorm: rmsNorm(c.embed, c.eps),
      self_attn: selfAttention(c),
      post_attention_layernorm: rmsNorm(c.embed, c.eps),
      mlp: gatedMlp(c.embed, c.hidden, op.silu),
    },
    (m) => (x: Value<"batch seq embed">, context: Context) => {
      const h = op.add(x, m.self_attn(m.input_layernorm(x), context));
      return op.add(h, m.mlp(m.post_attention_layernorm(h)));
    },
  );

/** A pre-norm decoder of grouped-query attention and SwiGLU: Qwen2, Qwen3 and Llama. Its parts go into a checkpoint's root. */
export function decoder<const E extends number>(config: DecoderConfig<E>) {
  const axes = axesOf(config);
  const c: Decoder = { ...config, ...axes };
  return {
    config,
    width: axes.embed as Axis<"embed", E>,
    embed_tokens: embedding(c.vocab, c.embed),
    layers: Array.from({ length: c.layers }, () => decoderLayer(c)),
    norm: rmsNorm(c.embed, c.eps),
    lm_head: c.tied ? undefined : linear(c.embed, c.vocab, { bias: false }),
    positions: (from?: op.Past) => positions(c, op.iota(axis("seq", symbol("seq")), from?.axis.size), from),
  };
}

/** Positions to the tables that every layer shares. */
function positions(c: Decoder, at: Value<"seq">, from?: op.Past): Context {
  const angles = mark("rope_angles", op.ropeAngles(at, c.ropeTheta, axis("rot", c.headDim / 2), c.ropeScaling));
  return { cos: op.cos(angles), sin: op.sin(angles), ...(from && { past: from }) };
}
