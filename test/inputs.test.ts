import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Conversation,
  createTokenizer,
  encodePrompt,
  type PreprocessorConfig,
  parseJson,
  parsePreprocessorConfig,
  preprocess,
  type RgbImage,
  readNifti,
  volumeFrames,
} from "@hulu/processor";
import { open, type TensorSource } from "@hulu/safetensors";
import { describe, expect, test } from "vitest";

const root = "test/data/goldens";
const text = (file: string) => readFileSync(join(root, file), "utf8");

/** A case that says what its pictures and its words were. */
interface Case {
  readonly variant: string;
  readonly name: string;
}
const cases: Case[] = ["q3-p16", "q2-p14"].flatMap((variant) =>
  readdirSync(join(root, variant))
    .filter((file) => /^case-(image|image-array|two-images|video|volume|mixed|text)\.json$/.test(file))
    .map((file) => ({ variant, name: file.replace(".json", "") })),
);

async function rgb(source: TensorSource, key: string): Promise<RgbImage[]> {
  const shape = source.info(key)!.shape;
  const [height = 0, width = 0] = shape.slice(-3);
  const bytes = await source.read(key);
  const size = height * width * 3;
  return Array.from({ length: bytes.length / size }, (_, i) => ({
    data: bytes.slice(i * size, (i + 1) * size),
    width,
    height,
  }));
}

/** The visual inputs of a case, each as its frames, in the order of its conversation. */
async function framesOf({ variant, name }: Case, json: any, source: TensorSource): Promise<RgbImage[][]> {
  const pictures = [...source.keys()].filter((key) => key.startsWith("raw.image")).sort();
  const items: RgbImage[][] = [];
  for (const key of pictures) items.push(await rgb(source, key));
  if (json.file) {
    const volume = await readNifti(readFileSync(join(root, variant, json.file)));
    items.push(volumeFrames(volume, { axis: json.nii_axis, rule: "repository", numSlices: json.nii_num_slices }));
  }
  // A volume may come with its slices as well; the file is what it was made from.
  else if (source.info("raw.frames")) items.push(await rgb(source, "raw.frames"));
  // The mixed case has the first frames of the video's.
  if (name === "case-mixed")
    items.push((await rgb(await open(join(root, variant, "case-video.safetensors")), "raw.frames")).slice(0, 3));
  return items;
}

/** The processor's rows, from the tensor that a case keeps of them. */
async function publishedPixels(source: TensorSource, config: PreprocessorConfig): Promise<Float32Array> {
  if (source.info("in.pixel_values")) return source.floats("in.pixel_values");
  const bytes = await source.read("in.pixel_u8");
  const width = source.info("in.pixel_u8")!.shape[1]!;
  return Float32Array.from(bytes, (byte, i) => {
    const channel = Math.floor((i % width) / (width / 3));
    const centred = Math.fround(Math.fround(byte / 255) - Math.fround(config.mean[channel]!));
    return Math.fround(centred / Math.fround(config.std[channel]!));
  });
}

describe("from a case's pictures and words to its inputs", () => {
  test("there are cases", () => expect(cases).toHaveLength(14));

  test.each(cases)("$variant $name", async (one) => {
    const { variant, name } = one;
    const file = join(variant, name);
    const json = parseJson(text(`${file}.json`)) as any;
    const source = await open(join(root, `${file}.safetensors`));
    const config = parsePreprocessorConfig(JSON.parse(text(`${variant}/preprocessor_config.json`)));
    const tokenizer = createTokenizer(
      JSON.parse(text(`${variant}/tokenizer.json`)),
      JSON.parse(text(`${variant}/tokenizer_config.json`)),
    );
    const frames = await framesOf(one, json, source);
    const merges: number[] = Array.isArray(json.merge) ? json.merge : frames.map(() => json.merge);
    const aspect = /quirk applies|PIL/.test(json.input_kind ?? "") ? "transposed" : "true";
    const patches = preprocess(
      frames.map((f, i) => ({ frames: f, merge: merges[i]! })),
      config,
      { aspect },
    );
    if (frames.length > 0) {
      const pixels = Float32Array.from(patches.flatMap((p) => [...p.pixels]));
      const published = await publishedPixels(source, config);
      expect(pixels.length).toBe(published.length);
      expect(pixels.filter((x, i) => x !== published[i])).toHaveLength(0);
      expect(patches.flatMap((p) => [...p.grid])).toEqual([...(await source.floats("in.grid_sizes"))]);
    }
    const conversation = json.conversation as Conversation;
    const { text: prompt, ids } = encodePrompt(conversation, tokenizer, {
      addGenerationPrompt: true,
      visuals: patches,
    });
    expect(prompt).toBe(json.prompt);
    expect(ids).toEqual([...(await source.floats("in.input_ids"))]);
  });
});
