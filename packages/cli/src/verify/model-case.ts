import { open, type TensorSource } from "@hulu/safetensors";
import { integers, openCase, readInputs } from "./inputs.js";
import { exact, failure, type Outcome, type Row, rowOf, shaped, unsupported, within } from "./row.js";
import { computeStages, type Stage } from "./stages.js";
import type { Variant } from "./variant.js";

/** What float32 may differ by, from the README of the goldens; a stage that is not here must be equal. */
const bounds: Readonly<Record<string, number>> = {
  rope_angles: 1e-6,
  rope_cos: 1e-6,
  rope_sin: 1e-6,
  patch_embed: 5e-5,
  vision_layer0: 5e-5,
  vision_layer_last: 5e-5,
  post_layernorm: 5e-5,
  merged: 5e-5,
  projected: 5e-5,
  inputs_embeds: 1e-4,
  decoder_layer0: 1e-4,
  last_hidden: 1e-4,
  loss: 1e-4,
  logits: 2e-4,
  logits_last8: 2e-4,
  logits_last: 2e-4,
  step_logits: 2e-4,
};

/** The rows of one `case-*.safetensors`: one for each `out.*` tensor. */
export async function modelCase(name: string, file: string, variant: () => Promise<Variant>): Promise<Row[]> {
  const golden = await open(file);
  const keys = [...golden.keys()].filter((key) => key.startsWith("out."));
  try {
    const files = await openCase(file);
    const computed = await computeStages(await variant(), await readInputs(files), stepsOf(golden));
    const rows: Row[] = [];
    for (const key of keys)
      rows.push(await rowOf(name, key, () => held(golden, key, computed.get(key.slice("out.".length)))));
    return rows;
  } catch (error) {
    return keys.map((key) => failure(name, key, error));
  }
}

async function held(golden: TensorSource, key: string, found: Stage | undefined): Promise<Outcome> {
  if (found === undefined) throw new Error(`nothing is known of a stage ${key}, or the case has no input for it`);
  const { data, shape } = found;
  const bound = bounds[key.slice("out.".length)];
  const outcome =
    bound === undefined ? exact(data, await integers(golden, key)) : within(data, await golden.floats(key), bound);
  return shaped(outcome, shape, golden.info(key)?.shape ?? []);
}

function stepsOf(own: TensorSource): number {
  const shape = (own.info("out.generated") ?? own.info("out.step_logits"))?.shape;
  return shape?.[0] ?? 0;
}

/** The rows of a `case-*-grads.safetensors`: backends here compute no gradients. */
export async function gradientRows(name: string, file: string, backend: string): Promise<Row[]> {
  return [...(await open(file)).keys()].map((key) =>
    unsupported(name, key, `the ${backend} backend computes no gradients`),
  );
}
