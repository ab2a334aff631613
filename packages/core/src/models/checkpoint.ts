import { canonicalWeights, harmless, type Layout } from "../weights/layout.js";
import { checkWeights, type WeightReport } from "../weights/report.js";
import type { WeightSource } from "../weights/source.js";
import { type ModelConfig, parseConfig, type TextConfig, type VlmConfig } from "./config.js";
import { decoder } from "./decoder.js";
import { ConfigError } from "./fields.js";
import { projector } from "./projector.js";
import { siglip } from "./siglip.js";
import { composeText, type LanguageModel } from "./text.js";
import { vit } from "./vit.js";
import { composeVlm, type Vlm } from "./vlm.js";

interface Stored {
  /** The weights under the model's own names. */
  readonly weights: WeightSource;
  readonly layout: Layout;
  readonly report: WeightReport;
}
export interface VlmCheckpoint extends Stored {
  readonly config: VlmConfig;
  readonly model: Vlm;
}
export interface TextCheckpoint extends Stored {
  readonly config: TextConfig;
  readonly model: LanguageModel;
}
export type CheckpointModel = VlmCheckpoint | TextCheckpoint;

/** Whether a checkpoint's model takes pictures. */
export const sees = (checkpoint: CheckpointModel): checkpoint is VlmCheckpoint =>
  checkpoint.config.vision !== undefined;

/** The model that a config describes. */
export function modelFromConfig(config: VlmConfig): Vlm;
export function modelFromConfig(config: TextConfig): LanguageModel;
export function modelFromConfig(config: ModelConfig): Vlm | LanguageModel;
export function modelFromConfig(config: ModelConfig): Vlm | LanguageModel {
  if (config.vision === undefined) return composeText({ decoder: decoder(config.decoder) });
  return composeVlm({
    vision: "side" in config.vision ? siglip(config.vision) : vit(config.vision),
    projector: projector(config.projector, config.vision.width, config.decoder.embed),
    decoder: decoder(config.decoder),
  });
}

/**
 * The model of a checkpoint, from its parsed config.json and the headers of its weights; no weight is read.
 * @throws ConfigError for a config that is wrong or not one of this family's
 * @throws WeightError when the tensors are not exactly the model's
 */
export function modelFromCheckpoint(json: unknown, stored: WeightSource, visionJson?: unknown): CheckpointModel {
  const { weights, layout } = canonicalWeights(stored);
  const config = parseConfig(json, weights, visionJson);
  const described =
    config.vision === undefined
      ? { config, model: modelFromConfig(config) }
      : { config, model: modelFromConfig(config) };
  const report = checkWeights(described.model.root, weights, harmless(config.decoder.tied));
  return { ...described, weights, layout, report };
}

/**
 * The same of a checkpoint that must take pictures.
 * @throws ConfigError for a language model alone, beside what `modelFromCheckpoint` throws
 */
export function vlmFromCheckpoint(json: unknown, stored: WeightSource, visionJson?: unknown): VlmCheckpoint {
  const checkpoint = modelFromCheckpoint(json, stored, visionJson);
  if (sees(checkpoint)) return checkpoint;
  throw new ConfigError("config.json describes a language model, which takes no pictures");
}
