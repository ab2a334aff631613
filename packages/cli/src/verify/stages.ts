import {
  encodeItem,
  generate,
  hostI32,
  type Prompt,
  renumber,
  resultOnHost,
  spliceVisual,
  type Tensor,
  tokensPerFrame,
  visionFeeds,
} from "@hulu/core";
import type { CaseInputs } from "./inputs.js";
import { crossEntropy } from "./loss.js";
import { numbers, type Variant } from "./variant.js";

/** What was computed for a case, by the names of the goldens' `out.*` tensors. */
export type Stages = ReadonlyMap<string, Stage>;
export interface Stage {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Collects stages; a matrix is told by its number of rows. */
class Found {
  readonly stages = new Map<string, Stage>();
  list(name: string, data: ArrayLike<number>): void {
    this.stages.set(name, { data, shape: [data.length] });
  }
  matrix(name: string, data: ArrayLike<number>, rows: number): void {
    this.stages.set(name, { data, shape: [rows, data.length / rows] });
  }
}

/**
 * Compute every stage of a case. The stages come from programs with more outputs; `generated` and `step_logits` come the
 * way an answer does: encoded and pruned item by item, prefilled, decoded token by token.
 * @param steps how many tokens to generate; end tokens do not end it
 */
export async function computeStages(variant: Variant, inputs: CaseInputs, steps: number): Promise<Stages> {
  const stages = new Found();
  const encoded = await encode(variant, inputs);
  const keep = Uint8Array.from(encoded.keep);
  const spliced = spliceVisual(inputs.ids, variant.checkpoint.imageToken.id, keep);
  stages.list("compression_mask", keep);
  stages.list("final_input_ids", spliced.ids);
  stages.list("final_position_ids", renumber(spliced.ids.map((_, i) => i)));
  if (inputs.attention)
    stages.list(
      "final_attention_mask",
      spliced.from.map((i) => inputs.attention![i]!),
    );
  const labels = inputs.labels && spliced.from.map((i) => inputs.labels![i]!);
  if (labels) stages.list("final_labels", labels);
  if (inputs.items.length > 0) await visionStages(variant, inputs, stages);
  const prompt: Prompt = { ids: spliced.ids, visual: { parts: encoded.visual, index: spliced.index } };
  await textStages(variant, prompt, labels, stages);
  if (steps > 0) await generation(variant, prompt, steps, stages);
  return stages.stages;
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

async function visionStages({ compiled }: Variant, { items }: CaseInputs, stages: Found): Promise<void> {
  const parts = new Map<string, { rows: number; data: number[] }>();
  const add = (name: string, data: Iterable<number>, rows: number) => {
    const part = parts.get(name) ?? { rows: 0, data: [] };
    for (const x of data) part.data.push(x);
    parts.set(name, { rows: part.rows + rows, data: part.data });
  };
  for (const item of items) {
    const { grid, merge } = item;
    const [frames, high, wide] = grid;
    const patches = high * wide;
    const results: Record<string, Tensor> = await compiled.run("visionStages", visionFeeds(item));
    const merged = await numbers(results.tokens as Tensor);
    for (const name of ["patch_embed", "vision_layer0", "vision_layer_last", "post_layernorm"])
      add(name, await numbers(results[name] as Tensor), frames * patches);
    // The tables are shared by all frames: positions start again in each.
    const angles = await numbers(results.rope_angles as Tensor);
    const cos = twice(await numbers(results.rope_cos as Tensor), patches);
    const sin = twice(await numbers(results.rope_sin as Tensor), patches);
    for (let f = 0; f < frames; f++) {
      add("rope_angles", angles, patches);
      add("rope_cos", cos, patches);
      add("rope_sin", sin, patches);
    }
    const count = frames * tokensPerFrame(grid, merge);
    add("merged", merged, count);
    const tokens = resultOnHost({ dtype: "f32", shape: [count, merged.length / count], data: merged });
    const { visual } = await compiled.run("project", {
      tokens,
      keep: hostI32(Array.from({ length: count }, (_, i) => i)),
    });
    add("projected", await numbers(visual), count);
  }
  for (const [name, { data, rows }] of parts) stages.matrix(name, data, rows);
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
  stages: Found,
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
  stages.matrix("inputs_embeds", await numbers(embeds), ids.length);
  stages.matrix("decoder_layer0", await numbers(results.decoder_layer0 as Tensor), ids.length);
  stages.matrix("last_hidden", await numbers(results.last_hidden as Tensor), ids.length);
  stages.matrix("logits", logits, ids.length);
  const last = Math.min(8, ids.length);
  stages.matrix("logits_last8", logits.subarray((ids.length - last) * vocab), last);
  stages.list("logits_last", logits.subarray((ids.length - 1) * vocab));
  if (labels) stages.list("loss", [crossEntropy(logits, labels)]);
}

async function generation({ compiled }: Variant, prompt: Prompt, steps: number, stages: Found): Promise<void> {
  using session = compiled.createSession();
  const ids: number[] = [];
  const logits: number[] = [];
  for await (const step of generate(compiled, session, prompt, { maxTokens: steps })) {
    ids.push(step.id);
    for (const x of step.logits) logits.push(x);
  }
  stages.list("generated", ids);
  stages.matrix("step_logits", logits, ids.length);
}
