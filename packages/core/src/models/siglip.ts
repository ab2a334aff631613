import { type Axis, axis, fuse } from "../graph/axis.js";
import type { Value } from "../graph/value.js";
import { layerNorm, linear, module, param } from "../nn/index.js";
import * as op from "../ops/index.js";
import type { VisionBackbone } from "./parts.js";
import { frame, mlp, patch, patchEmbedding, type Tokens } from "./vit.js";

export interface SiglipConfig<V extends number = number> {
  readonly width: V;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly channels: number;
  /** The side of a patch, in pixels. */
  readonly patch: number;
  /** How many patches a side of the learned table has: image_size / patch_size. */
  readonly side: number;
  readonly eps: number;
}

const axesOf = (c: SiglipConfig) => ({
  vision: axis("vision", c.width),
  head: axis("head", c.heads),
  dim: axis("dim", c.width / c.heads),
  mlp: axis("hidden", c.hidden),
  channel: axis("channel", c.channels),
  py: axis("py", c.patch),
  px: axis("px", c.patch),
  position: axis("position", c.side ** 2),
});
type Siglip = SiglipConfig & ReturnType<typeof axesOf>;
type Places = Value<"token*window">;

/** A row of the table for each patch: row * side + column. A row or column outside the table is a FeedError, as of any index. */
const positionEmbedding = (c: Siglip) =>
  module({ weight: param(c.position, c.vision) }, (m) => (row: Places, col: Places) => {
    const side = axis("side", c.side);
    const places = (step: number) =>
      op.constant(
        Array.from({ length: c.side }, (_, i) => i * step),
        [side],
        "i32",
      );
    const start = op.gather<"token*window">(places(c.side), row, "side");
    return op.gather<"token*window vision">(m.weight, op.add(start, op.gather(places(1), col, "side")), "position");
  });

const embeddings = (c: Siglip) =>
  module(
    { patch_embedding: patchEmbedding(c), position_embedding: positionEmbedding(c) },
    (m) => (pixels: Value<"frame token*window channel*py*px">, row: Places, col: Places) => {
      const patches = m.patch_embedding(pixels);
      return op.add(patches, op.broadcast(m.position_embedding(row, col), patches));
    },
  );

/** Bidirectional within a frame; frames are a batch, so they never see each other. */
const selfAttention = (c: Siglip) =>
  module(
    {
      q_proj: linear(c.vision, fuse(c.head, c.dim)),
      k_proj: linear(c.vision, fuse(c.head, c.dim)),
      v_proj: linear(c.vision, fuse(c.head, c.dim)),
      out_proj: linear(fuse(c.head, c.dim), c.vision),
    },
    (m) => (x: Tokens) => {
      const heads = (y: Value<"frame token*window head*dim">) =>
        op.rearrange(y, "frame token*window head*dim -> frame token*window head dim");
      const [q, k, v] = [heads(m.q_proj(x)), heads(m.k_proj(x)), heads(m.v_proj(x))];
      const mixed = op.attention(q, k, v, { scale: (c.width / c.heads) ** -0.5, causal: false });
      return m.out_proj(op.rearrange(mixed, "frame token*window head dim -> frame token*window head*dim"));
    },
  );

const encoderLayer = (c: Siglip) =>
  module(
    {
      layer_norm1: layerNorm(c.vision, c.eps),
      self_attn: selfAttention(c),
      layer_norm2: layerNorm(c.vision, c.eps),
      mlp: mlp(c),
    },
    (m) => (x: Tokens) => {
      const h = op.add(x, m.self_attn(m.layer_norm1(x)));
      return op.add(h, m.mlp(m.layer_norm2(h)));
    },
  );

/**
 * SigLIP's vision transformer (Zhai et al., 2023) without its pooling head, and the m x m merging behind it: learned
 * positions in a table of side x side. A frame may have fewer rows and columns than the table, and takes its upper left;
 * one with more is refused when it is fed. The table is not interpolated.
 */
export function siglip<const V extends number>(config: SiglipConfig<V>): VisionBackbone<V> {
  const axes = axesOf(config);
  const c: Siglip = { ...config, ...axes };
  const encoder = module({ layers: Array.from({ length: c.layers }, () => encoderLayer(c)) }, (m) => (x: Tokens) => {
    let h = x;
    for (const layer of m.layers) h = layer(h);
    return h;
  });
  return {
    width: axes.vision as Axis<"vision", V>,
    frame,
    patch,
    pixel: fuse(c.channel, c.py, c.px),
    module: module(
      { embeddings: embeddings(c), encoder, post_layernorm: layerNorm(c.vision, c.eps) },
      (m) => (pixels, row, col, window) => {
        const tokens = m.post_layernorm(m.encoder(m.embeddings(pixels, row, col)));
        return op.tokenMerge<"frame", "token", "window", "vision">(tokens, window);
      },
    ),
  };
}
