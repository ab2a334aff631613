import type { RopeScaling } from "../ops/rope.js";
import type { WeightSource } from "../weights/source.js";
import type { DecoderConfig } from "./decoder.js";
import { ConfigError, Fields, MOST_LAYERS } from "./fields.js";
import type { ProjectorKind } from "./projector.js";
import { type VisionConfig, visionConfig } from "./vision-config.js";

/** What a config.json says about any model that runs here. */
interface LanguageConfig {
  readonly decoder: DecoderConfig;
  readonly eosTokens: readonly number[];
  /** The most positions that the decoder was made for. */
  readonly maxPositions: number;
}

/** Everything that the config.json of a vision-language checkpoint says, whichever of the three layouts it has. */
export interface VlmConfig extends LanguageConfig {
  readonly vision: VisionConfig;
  readonly projector: ProjectorKind;
  /** The placeholder's token id; undefined when the config leaves it to the tokenizer. */
  readonly imageToken: number | undefined;
  /** Whether videos and volumes are pruned unless the caller says otherwise. */
  readonly tokenCompression: boolean;
}

/** The same of a language model alone. */
export interface TextConfig extends LanguageConfig {
  readonly vision: undefined;
}

/** `config.vision === undefined` tells a language model from one that sees. */
export type ModelConfig = VlmConfig | TextConfig;

/** What `model_type` may say; it is not reliable between Qwen2 and Qwen3, so the tensors decide there. */
const LANGUAGE = ["qwen2", "qwen3", "llama"];
const KNOWN = ["hulumed_qwen2", "hulumed_qwen3", "video_llama_3", "videollama3_qwen2", ...LANGUAGE];

/**
 * Read a config.json. A Qwen2, Qwen3 or Llama of which neither the config nor the tensors say anything about an encoder is
 * a language model alone.
 * @param json the parsed file
 * @param weights the checkpoint, under canonical names: which decoder it is stands in its tensors, and the vision
 *   encoder's sizes too where no file gives them
 * @param visionJson the parsed config.json of the vision encoder's own folder (the original layout keeps it there)
 * @throws ConfigError that names the field
 */
export function parseConfig(json: unknown, weights: WeightSource, visionJson?: unknown): ModelConfig {
  const config = new Fields(json, "config.json");
  refuseOthers(config);
  const text = config.object("text_config") ?? config;
  const tied = text.flag("tie_word_embeddings", config.flag("tie_word_embeddings", false));
  const language: LanguageConfig = {
    decoder: decoderConfig(text, weights, tied),
    eosTokens: text.has("eos_token_id") ? text.ids("eos_token_id") : config.ids("eos_token_id"),
    maxPositions: text.count("max_position_embeddings", { otherwise: 32768, most: 1 << 30 }),
  };
  if (visionJson === undefined && isLanguageModel(config, weights)) return { ...language, vision: undefined };
  return {
    ...language,
    vision: visionConfig(config, weights, visionJson),
    projector: projectorKind(config),
    imageToken: imageToken(config),
    tokenCompression: config.flag("use_token_compression", true),
  };
}

const VISUAL_FIELDS = [
  "vision_config",
  "vision_encoder_config",
  "vision_encoder",
  "mm_vision_encoder",
  "mm_projector_type",
];

function isLanguageModel(config: Fields, weights: WeightSource): boolean {
  if (!LANGUAGE.includes(config.text("model_type") ?? "") || VISUAL_FIELDS.some((field) => config.has(field)))
    return false;
  for (const key of weights.keys()) if (/^model\.(vision_encoder|mm_projector)\./.test(key)) return false;
  return true;
}

function refuseOthers(config: Fields): void {
  const type = config.text("model_type") ?? "";
  const named = [
    type,
    config.object("text_config")?.text("model_type") ?? "",
    JSON.stringify(config.raw("architectures") ?? ""),
  ].join(" ");
  if (/qwen3_?vl_?moe/i.test(named))
    throw new ConfigError(
      "config.json: qwen3_vl_moe (Hulu-Med-30A3) is another architecture, which does not run here; the 4B, 7B, 14B and 32B models do",
    );
  if (!KNOWN.includes(type))
    throw new ConfigError(
      `config.json: model_type "${type.slice(0, 60)}" is not known; these are: ${KNOWN.join(", ")}`,
    );
}

function decoderConfig(c: Fields, weights: WeightSource, tied: boolean): DecoderConfig {
  refuseVariants(c);
  const heads = c.count("num_attention_heads", { most: 1 << 12 });
  const kvHeads = c.count("num_key_value_heads", { most: 1 << 12, otherwise: heads });
  const embed = c.count("hidden_size");
  if (heads % kvHeads !== 0)
    throw new ConfigError(`${c.where}: ${heads} attention heads do not share ${kvHeads} key/value heads evenly`);
  if (!c.has("head_dim") && embed % heads !== 0)
    throw new ConfigError(
      `${c.where}: head_dim is missing, and hidden_size ${embed} does not divide by ${heads} heads`,
    );
  const headDim = c.count("head_dim", { most: 1 << 12, otherwise: embed / heads });
  if (headDim % 2 !== 0)
    throw new ConfigError(`${c.where}: head_dim is ${headDim}; rotary positions need an even number`);
  return {
    ...variantOf(c, weights),
    vocab: c.count("vocab_size"),
    embed,
    layers: c.count("num_hidden_layers", { most: MOST_LAYERS }),
    heads,
    kvHeads,
    headDim,
    hidden: c.count("intermediate_size"),
    ...rotary(c),
    eps: c.positive("rms_norm_eps", 1e-6),
    tied,
  };
}

/**
 * Which of the decoder's options are used. The original layout writes `hulumed_qwen2` for both families, so a norm or a bias
 * in any layer counts too; one that is only missing in some layer is then reported as missing.
 */
function variantOf(c: Fields, weights: WeightSource): Pick<DecoderConfig, "family" | "qkNorm" | "qkvBias" | "outBias"> {
  const type = c.text("model_type") ?? "";
  const inSomeLayer = (name: RegExp) => {
    for (const key of weights.keys()) if (key.startsWith("model.layers.") && name.test(key)) return true;
    return false;
  };
  const someBias = inSomeLayer(/\.self_attn\.[qkv]_proj\.bias$/);
  const qkNorm = inSomeLayer(/\.self_attn\.[qk]_norm\.weight$/) || (type.includes("qwen3") && !someBias);
  const family = qkNorm ? "qwen3" : type === "llama" ? "llama" : "qwen2";
  const bias = c.flag("attention_bias", false);
  // Qwen2 has a bias on q, k and v whatever its config says, and never one on the output.
  const qkvBias = family === "qwen2" || bias || someBias;
  const outBias = (family !== "qwen2" && bias) || inSomeLayer(/\.self_attn\.o_proj\.bias$/);
  return { family, qkNorm, qkvBias, outBias };
}

function rotary(c: Fields): Pick<DecoderConfig, "ropeTheta" | "ropeScaling"> {
  const parameters = c.object("rope_parameters");
  const scaling = c.object("rope_scaling");
  const type = parameters?.text("rope_type") ?? scaling?.text("rope_type") ?? scaling?.text("type") ?? "default";
  if (type !== "default" && type !== "llama3")
    throw new ConfigError(
      `${c.where}: rotary positions of type "${type.slice(0, 40)}" are not supported; "default" and "llama3" are`,
    );
  for (const fields of [c, parameters])
    if (fields && fields.positive("partial_rotary_factor", 1) !== 1)
      throw new ConfigError(
        `${fields.where}: partial_rotary_factor must be 1; heads that turn in part are not supported`,
      );
  const ropeTheta = parameters?.has("rope_theta")
    ? parameters.positive("rope_theta")
    : c.positive("rope_theta", 10_000);
  if (type === "default") return { ropeTheta };
  const most = c.count("max_position_embeddings", { otherwise: 32768, most: 1 << 30 });
  return { ropeTheta, ropeScaling: ropeScaling((parameters?.has("factor") ? parameters : scaling) ?? c, most) };
}

function ropeScaling(c: Fields, positions: number): RopeScaling {
  const [lowFrequency, highFrequency] = [c.positive("low_freq_factor"), c.positive("high_freq_factor")];
  if (highFrequency <= lowFrequency)
    throw new ConfigError(
      `${c.where}: high_freq_factor ${highFrequency} must be above low_freq_factor ${lowFrequency}`,
    );
  return {
    factor: c.positive("factor"),
    lowFrequency,
    highFrequency,
    positions: c.count("original_max_position_embeddings", { otherwise: positions, most: 1 << 30 }),
  };
}

function refuseVariants(c: Fields): void {
  const act = c.text("hidden_act") ?? "silu";
  if (act !== "silu") throw new ConfigError(`${c.where}: hidden_act "${act.slice(0, 40)}" is not supported; "silu" is`);
  if (c.flag("use_sliding_window", false))
    throw new ConfigError(`${c.where}: use_sliding_window is true; sliding-window attention is not supported`);
  if (c.flag("mlp_bias", false))
    throw new ConfigError(`${c.where}: mlp_bias is true; a bias in the MLP is not supported`);
}

function projectorKind(config: Fields): ProjectorKind {
  const kind = config.text("mm_projector_type") ?? "mlp2x_gelu";
  if (!/^(linear|identity|mlp[1-9]\d?x_gelu)$/.test(kind))
    throw new ConfigError(
      `config.json: mm_projector_type "${kind.slice(0, 40)}" is not known; it must be mlpNx_gelu, linear or identity`,
    );
  return kind as ProjectorKind;
}

function imageToken(config: Fields): number | undefined {
  const [id] = config.has("image_token_index") ? config.ids("image_token_index") : config.ids("image_token_id");
  return id === undefined || id < 0 ? undefined : id;
}
