import {
  encodeItem,
  generate,
  hostF32,
  hostI32,
  mergeWeights,
  type Prompt,
  patchPositions,
  renumber,
  resultOnHost,
  spliceVisual,
  type Tensor,
  tokensPerFrame,
} from "@hulu/core";
import type { CaseInputs } from "./inputs.js";
import { crossEntropy } from "./loss.js";
import { numbers, type Variant } from "./variant.js";

/** What was computed for a case, by the names of the goldens' `out.*` tensors. */
export type Stages = ReadonlyMap<string, ArrayLike<number>>;

/**
 * Compute every stage of a case. The stages come from programs with more outputs; `generated` and `step_logits` come the
 * way an answer does: encoded and pruned item by item, prefilled, decoded token by token.
 * @param steps how many tokens to generate; end tokens do not end it
 */
export async function computeStages(variant: Variant, inputs: CaseInputs, steps: number): Promise<Stages> {
  const stages = new Map<string, ArrayLike<number>>();
  const encoded = await encode(variant, inputs);
  const keep = Uint8Array.from(encoded.keep);
  const spliced = spliceVisual(inputs.ids, variant.checkpoint.imageToken.id, keep);
  stages.set("compression_mask", keep);
  stages.set("final_input_ids", spliced.ids);
  stages.set("final_position_ids", renumber(spliced.ids.map((_, i) => i)));
  if (inputs.attention)
    stages.set(
      "final_attention_mask",
      spliced.from.map((i) => inputs.attention![i]!),
    );
  const labels = inputs.labels && spliced.from.map((i) => inputs.labels![i]!);
  if (labels) stages.set("final_labels", labels);
  if (inputs.items.length > 0) await visionStages(variant, inputs, stages);
  const prompt: Prompt = { ids: spliced.ids, visual: { parts: encoded.visual, index: spliced.index } };
  await textStages(variant, prompt, labels, stages);
  if (steps > 0) await generation(variant, prompt, steps, stages);
  return stages;
}

async function encode({ compiled }: Variant, { items }: CaseInputs): Promise<{ visual: Tensor[]; keep: number[] }> {
  const visual: Tensor[] = [];
  const keep: number[] = [];
  for (const item of items) {
    const encoded = await encodeItem(compiled, item, { prune: item.prune });
    visual.push(...encoded.visual);
    keep.push(...encoded.keep);
  }
  return { visual, keep };
}

async function visionStages(
  { compiled }: Variant,
  { items }: CaseInputs,
  stages: Map<string, ArrayLike<number>>,
): Promise<void> {
  const parts = new Map<string, number[]>();
  const add = (name: string, data: Iterable<number>) => {
    const all = parts.get(name) ?? [];
    for (const x of data) all.push(x);
    parts.set(name, all);
  };
  for (const { pixels, grid, merge } of items) {
    const [frames] = grid;
    const { row, col } = patchPositions(grid, merge);
    const feeds = {
      pixels: hostF32(pixels, [frames, row.length, pixels.length / frames / row.length]),
      row: hostI32(row),
      col: hostI32(col),
      window: hostF32(mergeWeights(merge), [merge ** 2]),
    };
    const results: Record<string, Tensor> = await compiled.run("visionStages", feeds);
    const merged = await numbers(results.tokens as Tensor);
    for (const name of ["patch_embed", "vision_layer0", "vision_layer_last", "post_layernorm"])
      add(name, await numbers(results[name] as Tensor));
    // The tables are shared by all frames: positions start again in each.
    const angles = await numbers(results.rope_angles as Tensor);
    const cos = twice(await numbers(results.rope_cos as Tensor), row.length);
    const sin = twice(await numbers(results.rope_sin as Tensor), row.length);
    for (let f = 0; f < frames; f++) {
      add("rope_angles", angles);
      add("rope_cos", cos);
      add("rope_sin", sin);
    }
    add("merged", merged);
    const count = frames * tokensPerFrame(grid, merge);
    const tokens = resultOnHost({ dtype: "f32", shape: [count, merged.length / count], data: merged });
    const { visual } = await compiled.run("project", {
      tokens,
      keep: hostI32(Array.from({ length: count }, (_, i) => i)),
    });
    add("projected", await numbers(visual));
  }
  for (const [name, data] of parts) stages.set(name, data);
}

/** The goldens hold the tables as the reference uses them: each half of a head the same. */
function twice(table: Float32Array, rows: number): number[] {
  const width = table.length / rows;
  return Array.from({ length: rows }, (_, r) => [...table.subarray(r * width, (r + 1) * width)]).flatMap((half) => [
    ...half,
    ...half,
  ]);
}

async function textStages(
  { compiled }: Variant,
  { ids, visual }: Prompt,
  labels: Int32Array | undefined,
  stages: Map<string, ArrayLike<number>>,
): Promise<void> {
  const shape = [1, ids.length];
  const { embeds } =
    visual !== undefined && visual.parts.length > 0
      ? await compiled.run("embedVisual", {
          ids: hostI32(ids, shape),
          visual: visual.parts,
          index: hostI32(visual.index, shape),
        })
      : await compiled.run("embed", { ids: hostI32(ids, shape) });
  using session = compiled.createSession();
  const results: Record<string, Tensor> = await compiled.run(
    "textStages",
    { embeds, pick: hostI32(ids.map((_, i) => i)) },
    { session },
  );
  const logits = await numbers(results.logits as Tensor);
  const vocab = logits.length / ids.length;
  stages.set("inputs_embeds", await numbers(embeds));
  stages.set("decoder_layer0", await numbers(results.decoder_layer0 as Tensor));
  stages.set("last_hidden", await numbers(results.last_hidden as Tensor));
  stages.set("logits", logits);
  stages.set("logits_last8", logits.subarray(Math.max(0, ids.length - 8) * vocab));
  stages.set("logits_last", logits.subarray((ids.length - 1) * vocab));
  if (labels) stages.set("loss", [crossEntropy(logits, labels)]);
}

async function generation(
  { compiled }: Variant,
  prompt: Prompt,
  steps: number,
  stages: Map<string, ArrayLike<number>>,
): Promise<void> {
  using session = compiled.createSession();
  const ids: number[] = [];
  const logits: number[] = [];
  for await (const step of generate(compiled, session, prompt, { maxTokens: steps })) {
    ids.push(step.id);
    for (const x of step.logits) logits.push(x);
  }
  stages.set("generated", ids);
  stages.set("step_logits", logits);
}
