import { type Backend, type Compiled, compile, type Tensor, tap, vlmPrograms } from "@hulu/core";
import { type LoadedVlm, openModel } from "@hulu/engine";
import { UsageError } from "../errors.js";

/** A checkpoint of a folder of goldens, compiled once: the programs as they are used, and twice more with their stages. */
export interface Variant {
  readonly checkpoint: LoadedVlm;
  readonly compiled: Compiled<Programs>;
  dispose(): Promise<void>;
}
type Programs = ReturnType<typeof programsOf>;

/** The stages inside the programs, by the names of the goldens. */
const visionStages = (layers: number) => ({
  patch_embed: "model.vision_encoder.embeddings.patch_embedding",
  rope_angles: "model.vision_encoder.rope_angles",
  rope_cos: "model.vision_encoder.rope_cos",
  rope_sin: "model.vision_encoder.rope_sin",
  vision_layer0: "model.vision_encoder.encoder.layers.0",
  vision_layer_last: `model.vision_encoder.encoder.layers.${layers - 1}`,
  post_layernorm: "model.vision_encoder.post_layernorm",
});
const textStages = { decoder_layer0: "model.layers.0", last_hidden: "model.norm" };

function programsOf({ model, config }: LoadedVlm) {
  const programs = vlmPrograms(model);
  return {
    ...programs,
    visionStages: {
      ...tap(programs.encodeVision, visionStages(config.vision.layers)),
      name: "visionStages",
    } as typeof programs.encodeVision,
    textStages: { ...tap(programs.step, textStages), name: "textStages" } as typeof programs.step,
  };
}

export async function openVariant(folder: string, backend: Backend, signal: AbortSignal): Promise<Variant> {
  const checkpoint = await openModel(folder, { signal });
  if (checkpoint.imageToken === undefined) {
    await checkpoint.stored.close();
    throw new UsageError(`${folder} has a language model alone; goldens are of models that take pictures`);
  }
  const compiled = await compile(backend, programsOf(checkpoint), checkpoint.weights, {
    max: { past: checkpoint.config.maxPositions },
    signal,
  });
  return {
    checkpoint,
    compiled,
    dispose: async () => {
      compiled.dispose();
      await checkpoint.stored.close();
    },
  };
}

/** Read a result to the host and let go of it. */
export async function numbers(tensor: Tensor): Promise<Float32Array> {
  const data = Float32Array.from(await tensor.read());
  tensor.dispose();
  return data;
}
