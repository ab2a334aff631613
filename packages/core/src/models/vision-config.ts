import type { WeightSource } from "../weights/source.js";
import { ConfigError, Fields, MOST_LAYERS } from "./fields.js";
import type { SiglipConfig } from "./siglip.js";
import type { VitConfig } from "./vit.js";

/** Of an encoder with rotary positions, or of one with a learned table (`"side" in config`). */
export type VisionConfig = VitConfig | SiglipConfig;

/**
 * The vision encoder that a checkpoint describes: in its own config.json, in that of the encoder's folder, or else in the
 * encoder's tensors.
 * @throws ConfigError that names the field
 */
export function visionConfig(config: Fields, weights: WeightSource, visionJson: unknown): VisionConfig {
  const c =
    config.object("vision_encoder_config") ??
    config.object("vision_config") ??
    (visionJson === undefined ? inferred(weights) : new Fields(visionJson, "the vision encoder's config.json"));
  const act = c.text("hidden_act") ?? "gelu_pytorch_tanh";
  if (act !== "gelu_pytorch_tanh")
    throw new ConfigError(`${c.where}: hidden_act "${act.slice(0, 40)}" is not supported; "gelu_pytorch_tanh" is`);
  const width = c.count("hidden_size");
  const heads = c.count("num_attention_heads", { most: 1 << 12 });
  const learned = c.text("model_type") === "siglip_vision_model";
  if (width % heads !== 0 || (!learned && (width / heads) % 4 !== 0))
    throw new ConfigError(
      `${c.where}: hidden_size ${width} over ${heads} heads gives ${width / heads}; ${learned ? "a head needs a whole number" : "2D rotary positions need a multiple of 4"}`,
    );
  const shared = {
    width,
    layers: c.count("num_hidden_layers", { most: MOST_LAYERS }),
    heads,
    hidden: c.count("intermediate_size"),
    channels: c.count("num_channels", { otherwise: 3, least: 3, most: 3 }),
    patch: c.count("patch_size", { otherwise: 16, most: 256 }),
    eps: c.positive("layer_norm_eps", 1e-6),
  };
  if (learned) return { ...shared, side: tableSide(c, shared.patch) };
  const ropeTheta = c.object("rope_parameters")?.positive("rope_theta", 10_000) ?? 10_000;
  return { ...shared, ropeTheta, pairing: "half" };
}

/** Patches along a side of the learned table of positions. */
function tableSide(c: Fields, patch: number): number {
  const image = c.count("image_size", { otherwise: 224, most: 1 << 14 });
  if (image < patch) throw new ConfigError(`${c.where}: image_size ${image} is less than a patch of ${patch}`);
  return Math.floor(image / patch);
}

/** The released encoder's head width; shapes do not tell how many heads there are, so it stands where nothing else does. */
const RELEASED_HEAD = 72;

/** The encoder's sizes from its tensors, for a checkpoint whose vision folder is not there. */
function inferred(weights: WeightSource): Fields {
  const prefix = "model.vision_encoder";
  const shape = (name: string): readonly number[] => weights.info(`${prefix}.${name}`)?.shape ?? [];
  const [width = 0, channels, patch] = shape("embeddings.patch_embedding.weight");
  const layers = new Set(
    [...weights.keys()].flatMap((key) => /^model\.vision_encoder\.encoder\.layers\.(\d+)\./.exec(key)?.[1] ?? []),
  );
  if (width === 0 || width % RELEASED_HEAD !== 0)
    throw new ConfigError(
      "config.json says nothing about the vision encoder, its folder is not there, and its tensors do not tell the number of heads: put vision_encoder_config into config.json",
    );
  return new Fields(
    {
      hidden_size: width,
      num_channels: channels,
      patch_size: patch,
      num_hidden_layers: layers.size,
      num_attention_heads: width / RELEASED_HEAD,
      intermediate_size: shape("encoder.layers.0.mlp.fc1.weight")[0],
    },
    "the vision encoder's tensors",
  );
}
