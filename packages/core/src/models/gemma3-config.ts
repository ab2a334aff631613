import { ConfigError, Fields, MOST_LAYERS } from "./fields.js";
import type { Gemma3Config } from "./gemma3.js";

const KNOWN = ["gemma3_text", "gemma2"];

/**
 * Read the config.json of a Gemma 3 text model or of Gemma 2, as transformers 4 or 5 writes it.
 * @param json the parsed file
 * @throws ConfigError that names the field
 */
export function parseGemma3Config(json: unknown): Gemma3Config {
  const c = new Fields(json, "config.json");
  const type = c.text("model_type") ?? "";
  if (!KNOWN.includes(type))
    throw new ConfigError(
      `config.json: model_type "${type.slice(0, 60)}" is no Gemma decoder; these are: ${KNOWN.join(", ")}`,
    );
  refuseVariants(c);
  const heads = c.count("num_attention_heads", { most: 1 << 12 });
  const kvHeads = c.count("num_key_value_heads", { most: 1 << 12, otherwise: heads });
  if (heads % kvHeads !== 0)
    throw new ConfigError(`config.json: ${heads} attention heads do not share ${kvHeads} key/value heads evenly`);
  const headDim = c.count("head_dim", { most: 1 << 12 });
  if (headDim % 2 !== 0)
    throw new ConfigError(`config.json: head_dim is ${headDim}; rotary positions need an even number`);
  const layers = c.count("num_hidden_layers", { most: MOST_LAYERS });
  const gemma3 = type === "gemma3_text";
  const softcap = c.has("attn_logit_softcapping") ? c.positive("attn_logit_softcapping") : undefined;
  const finalSoftcap = c.has("final_logit_softcapping") ? c.positive("final_logit_softcapping") : undefined;
  return {
    vocab: c.count("vocab_size"),
    embed: c.count("hidden_size"),
    layers,
    heads,
    kvHeads,
    headDim,
    hidden: c.count("intermediate_size"),
    eps: c.positive("rms_norm_eps", 1e-6),
    queryScalar: c.positive("query_pre_attn_scalar", 256),
    window: c.count("sliding_window", { otherwise: 4096, most: 2 ** 31 - 1 }),
    globalEvery: globalEvery(c, layers, gemma3 ? 6 : 2),
    ...(gemma3 ? rotations(c) : plainRotation(c)),
    qkNorm: gemma3,
    ...(softcap !== undefined && { softcap }),
    ...(finalSoftcap !== undefined && { finalSoftcap }),
  };
}

function refuseVariants(c: Fields): void {
  const act = c.text("hidden_activation") ?? "gelu_pytorch_tanh";
  if (act !== "gelu_pytorch_tanh")
    throw new ConfigError(
      `config.json: hidden_activation "${act.slice(0, 40)}" is not supported; "gelu_pytorch_tanh" is`,
    );
  for (const [field, what] of [
    ["attention_bias", "a bias in attention"],
    ["use_bidirectional_attention", "attention to both sides"],
  ] as const)
    if (c.flag(field, false)) throw new ConfigError(`config.json: ${field} is true; ${what} is not supported`);
  if (!c.flag("tie_word_embeddings", true))
    throw new ConfigError("config.json: tie_word_embeddings is false; a head of its own is not supported");
}

/** From the list of layer types where there is one; it must be as regular as the published ones. */
function globalEvery(c: Fields, layers: number, otherwise: number): number {
  const every = c.has("_sliding_window_pattern")
    ? c.count("_sliding_window_pattern", { most: MOST_LAYERS })
    : c.count("sliding_window_pattern", { otherwise, most: MOST_LAYERS });
  const types = c.raw("layer_types");
  if (types === undefined) return every;
  if (!Array.isArray(types) || types.length !== layers)
    throw new ConfigError(`config.json: layer_types must be a list of ${layers}, one for each layer`);
  const first = types.indexOf("full_attention") + 1 || layers + 1;
  const at = types.findIndex((t, i) => t !== ((i + 1) % first === 0 ? "full_attention" : "sliding_attention"));
  if (at >= 0)
    throw new ConfigError(
      `config.json: layer_types[${at}] is ${JSON.stringify(types[at])?.slice(0, 40)}; every n-th layer must be "full_attention" and all others "sliding_attention"`,
    );
  return first;
}

type Rotations = Pick<Gemma3Config, "ropeTheta" | "localTheta" | "ropeFactor">;

/** `rope_parameters` by kind of layer (transformers 5), or `rope_theta`, `rope_local_base_freq` and `rope_scaling`. */
function rotations(c: Fields): Rotations {
  const parameters = c.object("rope_parameters");
  const global = parameters?.object("full_attention");
  const local = parameters?.object("sliding_attention");
  if (local !== undefined && (local.text("rope_type") ?? "default") !== "default")
    throw new ConfigError(`${local.where}: rope_type must be "default" on sliding layers`);
  return {
    ropeTheta: global?.has("rope_theta") ? global.positive("rope_theta") : c.positive("rope_theta", 1e6),
    localTheta: local?.has("rope_theta") ? local.positive("rope_theta") : c.positive("rope_local_base_freq", 1e4),
    ropeFactor: scaling(global ?? c.object("rope_scaling")),
  };
}

/** One table for all layers, unscaled. */
function plainRotation(c: Fields): Rotations {
  const parameters = c.object("rope_parameters");
  if (scaling(parameters ?? c.object("rope_scaling")) !== 1)
    throw new ConfigError("config.json: scaled rotary positions are not supported in gemma2");
  const theta = parameters?.has("rope_theta") ? parameters.positive("rope_theta") : c.positive("rope_theta", 1e4);
  return { ropeTheta: theta, localTheta: theta, ropeFactor: 1 };
}

function scaling(c: Fields | undefined): number {
  const type = c?.text("rope_type") ?? c?.text("type") ?? "default";
  if (c === undefined || type === "default") return 1;
  if (type === "linear") return c.positive("factor");
  throw new ConfigError(`${c.where}: rotary positions of type "${type.slice(0, 40)}" are not supported; "linear" is`);
}
