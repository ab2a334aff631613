// One case of a picture through the programs themselves, so that each stage can be held to its golden.
import { type Backend, compile, hostI32, type vlmFromCheckpoint, vlmPrograms } from "@hulu/core";
// Not by the package's name, which brings what only Node has.
import { embedPicture } from "../../../packages/testing/src/picture.js";

type Checkpoint = ReturnType<typeof vlmFromCheckpoint>;

/** Its inputs as plain numbers, which is what travels to a page. */
export interface PictureCase {
  readonly pixels: readonly number[];
  readonly grid: readonly [frames: number, rows: number, columns: number];
  readonly ids: readonly number[];
  /** Tokens to go on with, one by one, behind the prompt. */
  readonly steps: readonly number[];
}

export async function runPicture(backend: Backend, { config, model, weights }: Checkpoint, given: PictureCase) {
  const { grid, ids } = given;
  const programs = await compile(backend, vlmPrograms(model), weights);
  const numbers = async (tensor: { read(): Promise<Float32Array | Int32Array> }) => [...(await tensor.read())];
  const pixels = Float32Array.from(given.pixels);
  const { tokens, visual, embeds } = await embedPicture(programs, config, { pixels, grid, ids });
  const session = programs.createSession();
  const all = await programs.run("step", { embeds, pick: hostI32(ids.map((_, i) => i)) }, { session });
  const results = {
    merged: await numbers(tokens),
    projected: await numbers(visual),
    inputs_embeds: await numbers(embeds),
    logits: await numbers(all.logits),
    step_logits: [] as number[],
  };
  results.step_logits.push(...results.logits.slice(-config.decoder.vocab));
  for (const id of given.steps) {
    const next = await programs.run("embed", { ids: hostI32([id], [1, 1]) });
    const { logits } = await programs.run("step", { embeds: next.embeds, pick: hostI32([0]) }, { session });
    results.step_logits.push(...(await numbers(logits)));
  }
  programs.dispose();
  return results;
}
