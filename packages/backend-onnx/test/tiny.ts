import { composeVlm, type DecoderConfig, decoder, projector, type VitConfig, vit, vlmPrograms } from "@hulu/core";

/** A model as small as its kinds of layers allow, with sizes of one's own. */
export function tinyPrograms(
  change: { decoder?: Partial<DecoderConfig>; vision?: Partial<VitConfig>; projector?: "mlp3x_gelu" } = {},
) {
  const vision = vit({
    width: 16,
    layers: 1,
    heads: 2,
    hidden: 24,
    channels: 3,
    patch: 2,
    eps: 1e-6,
    ropeTheta: 10000,
    pairing: "half",
    ...change.vision,
  });
  const text = decoder({
    family: "qwen3",
    vocab: 40,
    embed: 24,
    layers: 1,
    heads: 4,
    kvHeads: 2,
    headDim: 8,
    hidden: 32,
    ropeTheta: 10000,
    eps: 1e-6,
    qkvBias: false,
    outBias: false,
    qkNorm: true,
    tied: true,
    ...change.decoder,
  });
  const between = projector(change.projector ?? "mlp2x_gelu", vision.width.size, text.width.size);
  return vlmPrograms(composeVlm({ vision, projector: between, decoder: text }));
}
