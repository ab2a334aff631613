import { type Axis, axis, fuse } from "../graph/axis.js";
import { mark } from "../graph/graph.js";
import { symbol } from "../graph/size.js";
import type { Value } from "../graph/value.js";
import { layerNorm, linear, module, param } from "../nn/index.js";
import * as op from "../ops/index.js";
import type { VisionBackbone } from "./parts.js";

export interface VitConfig<V extends number = number> {
  readonly width: V;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly channels: number;
  /** The side of a patch, in pixels. */
  readonly patch: number;
  readonly eps: number;
  readonly ropeTheta: number;
  readonly pairing: op.Pairing;
}

const axesOf = <V extends number>(c: VitConfig<V>) => ({
  vision: axis("vision", c.width),
  head: axis("head", c.heads),
  dim: axis("dim", c.width / c.heads),
  mlp: axis("hidden", c.hidden),
  channel: axis("channel", c.channels),
  py: axis("py", c.patch),
  px: axis("px", c.patch),
});
type Vit = VitConfig & ReturnType<typeof axesOf>;
/** The axes that any encoder of patches has. */
interface PatchAxes {
  readonly vision: Axis<"vision">;
  readonly mlp: Axis<"hidden">;
  readonly channel: Axis<"channel">;
  readonly py: Axis<"py">;
  readonly px: Axis<"px">;
}

/** The axes of its input: frames of one size, cut into patches in merge-block order. */
export const frame = axis("frame", symbol("frame"));
export const patch = fuse(axis("token", symbol("token")), axis("window", symbol("window")));
export type Tokens = Value<"frame token*window vision">;
interface Rotation {
  readonly cos: Value<"token*window rot">;
  readonly sin: Value<"token*window rot">;
}

/** A convolution whose stride is its kernel, on patches that are already cut: one matrix. */
export const patchEmbedding = (c: PatchAxes) =>
  module({ weight: param(c.vision, c.channel, c.py, c.px), bias: param(c.vision) }, (m) => {
    const weight = op.rearrange(m.weight, "vision channel py px -> vision channel*py*px");
    return (pixels: Value<"frame token*window channel*py*px">) =>
      op.linear<"frame token*window", "channel*py*px", "vision">(pixels, weight, m.bias);
  });

/** Bidirectional within a frame; frames are a batch, so they never see each other. */
const selfAttention = (c: Vit) =>
  module(
    {
      q_proj: linear(c.vision, fuse(c.head, c.dim)),
      k_proj: linear(c.vision, fuse(c.head, c.dim)),
      v_proj: linear(c.vision, fuse(c.head, c.dim)),
      out_proj: linear(fuse(c.head, c.dim), c.vision),
    },
    (m) =>
      (x: Tokens, { cos, sin }: Rotation) => {
        const heads = (y: Value<"frame token*window head*dim">) =>
          op.rearrange(y, "frame token*window head*dim -> frame token*window head dim");
        const q = op.rotate(heads(m.q_proj(x)), cos, sin, c.pairing);
        const k = op.rotate(heads(m.k_proj(x)), cos, sin, c.pairing);
        const mixed = op.attention(q, k, heads(m.v_proj(x)), { scale: (c.width / c.heads) ** -0.5, causal: false });
        return m.out_proj(op.rearrange(mixed, "frame token*window head dim -> frame token*window head*dim"));
      },
  );

export const mlp = (c: PatchAxes) =>
  module(
    { fc1: linear(c.vision, c.mlp), fc2: linear(c.mlp, c.vision) },
    (m) => (x: Tokens) => m.fc2(op.geluTanh(m.fc1(x))),
  );

const encoderLayer = (c: Vit) =>
  module(
    {
      layer_norm1: layerNorm(c.vision, c.eps),
      self_attn: selfAttention(c),
      layer_norm2: layerNorm(c.vision, c.eps),
      mlp: mlp(c),
    },
    (m) => (x: Tokens, at: Rotation) => {
      const h = op.add(x, m.self_attn(m.layer_norm1(x), at));
      return op.add(h, m.mlp(m.layer_norm2(h)));
    },
  );

/** A SigLIP-like vision transformer with 2D rotary positions and no learned ones, and the 2x2 (m x m) merging behind it. */
export function vit<const V extends number>(config: VitConfig<V>): VisionBackbone<V> {
  const axes = axesOf(config);
  const c: Vit = { ...config, ...axes };
  /** Half of a head's angles turn with the row, half with the column. */
  const rotation = (row: Value<"token*window">, col: Value<"token*window">): Rotation => {
    const quarter = axis("rot", c.width / c.heads / 4);
    const each = [row, col].map((at) => op.ropeAngles(at, c.ropeTheta, quarter));
    const angles = mark("rope_angles", op.concat<"token*window rot">(each, "rot", axis("rot", c.width / c.heads / 2)));
    return { cos: mark("rope_cos", op.cos(angles)), sin: mark("rope_sin", op.sin(angles)) };
  };
  const encoder = module(
    { layers: Array.from({ length: c.layers }, () => encoderLayer(c)) },
    (m) => (x: Tokens, at: Rotation) => {
      let h = x;
      for (const layer of m.layers) h = layer(h, at);
      return h;
    },
  );
  return {
    width: axes.vision as Axis<"vision", V>,
    frame,
    patch,
    pixel: fuse(c.channel, c.py, c.px),
    module: module(
      {
        embeddings: module({ patch_embedding: patchEmbedding(c) }, (m) => m.patch_embedding),
        encoder,
        post_layernorm: layerNorm(c.vision, c.eps),
      },
      (m) => (pixels, row, col, window) => {
        const tokens = m.post_layernorm(m.encoder(m.embeddings(pixels), rotation(row, col)));
        return op.tokenMerge<"frame", "token", "window", "vision">(tokens, window);
      },
    ),
  };
}
