import { type Compiled, hostF32, hostI32, type Tensor, type VlmConfig, type vlmPrograms } from "@hulu/core";
import type { GoldenCase } from "./goldens.js";

/** A picture's patches, and the prompt that it stands in, as numbers: nothing here needs Node. */
export interface PictureInputs {
  /** `[frame row*column channel*patch*patch]`, merge size 1. */
  readonly pixels: Float32Array;
  readonly grid: readonly [frames: number, rows: number, columns: number];
  readonly ids: readonly number[];
}

/** Those of a golden of one picture. */
export function pictureInputs({ tensor }: Pick<GoldenCase, "tensor">): PictureInputs {
  const [frames = 0, rows = 0, columns = 0] = tensor("in.grid_sizes").ints();
  return { pixels: tensor("in.pixel_values").data, grid: [frames, rows, columns], ids: tensor("in.input_ids").ints() };
}

/** What of a model's config it takes. */
type Config = { readonly vision: Pick<VlmConfig["vision"], "width">; readonly imageToken: VlmConfig["imageToken"] };

/** Encode a picture, project all of it, and put it into its prompt: the caller disposes of each. */
export async function embedPicture(
  model: Compiled<ReturnType<typeof vlmPrograms>>,
  { vision, imageToken }: Config,
  { pixels, grid: [frames, rows, columns], ids }: PictureInputs,
): Promise<{ readonly tokens: Tensor; readonly visual: Tensor; readonly embeds: Tensor }> {
  const places = Array.from({ length: rows * columns }, (_, i) => i);
  const count = frames * places.length;
  const { tokens } = await model.run("encodeVision", {
    pixels: hostF32(pixels, [frames, places.length, pixels.length / count]),
    row: hostI32(places.map((i) => Math.floor(i / columns))),
    col: hostI32(places.map((i) => i % columns)),
    window: hostF32([1], [1]),
  });
  using flat = tokens.reshape([count, vision.width]);
  const { visual } = await model.run("project", {
    tokens: flat,
    keep: hostI32(Array.from({ length: count }, (_, i) => i)),
  });
  let placed = 0;
  const index = ids.map((id) => (id === imageToken ? placed++ : -1));
  const shape = [1, ids.length];
  const text = { ids: hostI32([...ids], shape), visual, index: hostI32(index, shape) };
  const { embeds } = await model.run("embedVisual", text);
  return { tokens, visual, embeds };
}
