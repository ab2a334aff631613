import { ConfigError } from "../models/fields.js";
import { renamed, type WeightSource } from "./source.js";

/**
 * How a checkpoint spells its tensors: `transformers` as this library does, `original` with every `vision_encoder` doubled,
 * `video_llama_3` as transformers' own class of that name.
 */
export type Layout = "transformers" | "original" | "video_llama_3";

const DOUBLED = "model.vision_encoder.vision_encoder.";
const NATIVE: readonly (readonly [string, string])[] = [
  ["model.vision_model.", "model.vision_encoder."],
  ["model.projector.", "model.mm_projector."],
  ["model.language_model.", "model."],
];

/** Which layout a checkpoint has, by its tensor names. */
export function layoutOf(weights: WeightSource): Layout {
  for (const key of weights.keys()) {
    if (key.startsWith(DOUBLED)) return "original";
    if (NATIVE.some(([prefix]) => key.startsWith(prefix))) return "video_llama_3";
  }
  return "transformers";
}

function canonical(key: string, layout: Layout): string {
  if (layout === "original" && key.startsWith(DOUBLED)) return `model.vision_encoder.${key.slice(DOUBLED.length)}`;
  if (layout === "video_llama_3")
    for (const [from, to] of NATIVE) if (key.startsWith(from)) return to + key.slice(from.length);
  return key;
}

/**
 * The same weights under the names that the models use.
 * @throws ConfigError when two tensors would get one name
 */
export function canonicalWeights(weights: WeightSource): { readonly weights: WeightSource; readonly layout: Layout } {
  const layout = layoutOf(weights);
  if (layout === "transformers") return { weights, layout };
  const names = new Map<string, string>();
  for (const key of weights.keys()) {
    const name = canonical(key, layout);
    if (names.has(name)) throw new ConfigError(`the checkpoint has ${name} twice: as ${names.get(name)} and as ${key}`);
    names.set(name, key);
  }
  return { weights: renamed(weights, names), layout };
}

/** Tensors that a checkpoint may have and a model never reads: a stored head beside a tied one, tables of angles. */
export const harmless =
  (tied: boolean) =>
  (path: string): boolean =>
    (tied && path === "lm_head.weight") ||
    path.endsWith(".rotary_emb.inv_freq") ||
    path.endsWith("rotary_pos_emb.inv_freq");
