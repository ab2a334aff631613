import { canonicalWeights, harmless, type Layout } from "../weights/layout.js";
import { checkWeights, type WeightReport } from "../weights/report.js";
import type { WeightSource } from "../weights/source.js";
import { parseConfig, type VlmConfig } from "./config.js";
import { decoder } from "./decoder.js";
import { projector } from "./projector.js";
import { vit } from "./vit.js";
import { composeVlm, type Vlm } from "./vlm.js";

export interface CheckpointModel {
  readonly config: VlmConfig;
  readonly model: Vlm;
  /** The weights under the model's own names. */
  readonly weights: WeightSource;
  readonly layout: Layout;
  readonly report: WeightReport;
}

/** The model that a config describes. */
export function modelFromConfig(config: VlmConfig): Vlm {
  return composeVlm({
    vision: vit(config.vision),
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
  const model = modelFromConfig(config);
  return { config, model, weights, layout, report: checkWeights(model.root, weights, harmless(config.decoder.tied)) };
}
