// One case of a picture through the programs themselves, so that each stage can be held to its golden.
import { type Backend, compile, hostF32, hostI32, type vlmFromCheckpoint, vlmPrograms } from "@hulu/core";

type Checkpoint = ReturnType<typeof vlmFromCheckpoint>;

export interface PictureCase {
  readonly pixels: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly ids: readonly number[];
  /** Tokens to go on with, one by one, behind the prompt. */
  readonly steps: readonly number[];
}

export async function runPicture(backend: Backend, { config, model, weights }: Checkpoint, given: PictureCase) {
  const { rows, columns, ids } = given;
  const places = Array.from({ length: rows * columns }, (_, i) => i);
  const programs = await compile(backend, vlmPrograms(model), weights);
  const numbers = async (tensor: { read(): Promise<Float32Array | Int32Array> }) => [...(await tensor.read())];
  const { tokens } = await programs.run("encodeVision", {
    pixels: hostF32([...given.pixels], [1, places.length, given.pixels.length / places.length]),
    row: hostI32(places.map((i) => Math.floor(i / columns))),
    col: hostI32(places.map((i) => i % columns)),
    window: hostF32([1], [1]),
  });
  const flat = tokens.reshape([places.length, config.vision.width]);
  const { visual } = await programs.run("project", { tokens: flat, keep: hostI32(places) });
  let placed = 0;
  const index = ids.map((id) => (id === config.imageToken ? placed++ : -1));
  const shape = [1, ids.length];
  const text = { ids: hostI32([...ids], shape), visual, index: hostI32(index, shape) };
  const { embeds } = await programs.run("embedVisual", text);
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
