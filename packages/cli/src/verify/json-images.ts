import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  type Aspect,
  DEFAULT_CONFIG,
  mixedSizes,
  type Patches,
  type PreprocessorConfig,
  preprocess,
  type RgbImage,
  resizeBicubic,
  type Size,
  type SizedItem,
  simpleSizes,
  targetSizes,
} from "@hulu/processor";
import { open, type TensorSource } from "@hulu/safetensors";
import { type Check, checks, type Json, list } from "./json.js";
import { type Entry, exact, type Outcome, within } from "./row.js";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** `sizes.json`: the two rules for the size of a picture, as upstream computes them. */
export const sizeChecks = (json: Json): Check[] =>
  checks(json, (e) => {
    const items: SizedItem[] = e
      .input<readonly (readonly [number, number, number])[]>("frames_h_w")
      .map(([frames, height, width]) => ({ frames, height, width }));
    const maxTokens = e.input<number>("max_tokens");
    const sizes =
      e.input<string>("rule") === "mixed"
        ? mixedSizes(items, e.input("factors"), maxTokens)
        : simpleSizes(items, e.input("factor"), { minTokens: e.input("min_tokens"), maxTokens });
    e.equal(
      "out",
      sizes.map(({ height, width }) => [height, width]),
    );
  });

/** `imageproc.json`: pictures made by a formula, through the whole image processor; and the tensors beside it. */
export async function imageprocChecks(json: Json, folder: string): Promise<Check[]> {
  const tensors = await open(join(folder, "imageproc.safetensors"));
  const entries = checks(json, (e, stage) => imageprocCase(e, stage, tensors));
  const used = new Set(entries.flatMap(({ stage }) => [`${stage}/rows`, `${stage}/pixel_values`, `${stage}/resized`]));
  const others = [...tensors.keys()].filter((key) => !used.has(key) && !isInput(key));
  return [...entries, ...others.map((key) => ({ stage: key, run: () => looseTensor(key, tensors, list(json)) }))];
}

/** What `resize/HxW` is made of, and `mode-X/pixel_values`: a picture of another mode, as Pillow converts it. */
const isInput = (key: string): boolean => key === "resize/input" || /^mode-\w+\/rgb$/.test(key);

async function imageprocCase(e: Entry, id: string, tensors: TensorSource): Promise<void> {
  const [height, width] = [e.input<number>("height"), e.input<number>("width")];
  const image = synthImage(height, width, e.input("seed"));
  const patchSize = e.input<number>("patch_size");
  const merge = e.input<number>("merge_size");
  const config: PreprocessorConfig = {
    patchSize,
    minTokens: e.input("min_tokens"),
    maxTokens: e.input("max_tokens"),
    mean: e.input("mean"),
    std: e.input("std"),
    rescaleFactor: 1 / 255,
  };
  // A Pillow picture meets the released code's confusion of width and height; an array does not.
  const aspect = e.input<string>("kind") === "pil" ? "transposed" : "true";
  const [size] = targetSizes([{ frames: 1, height, width }], [merge], config, aspect);
  const patches = patchesOf(image, merge, config, aspect);
  if (size === undefined) throw new Error("the processor gave no size");
  const rows = patches.grid[1] * patches.grid[2];
  const { sum, abs } = sums(patches.pixels);
  e.equal("input_sha256", sha256(image.data));
  e.equal("grid", patches.grid);
  e.equal("resized", [size.height, size.width]);
  const resized = resizeBicubic(image, size);
  e.equal("resized_sha256", sha256(resized.data));
  e.equal("rows", rows);
  e.near("sum", sum, 1e-9 * Math.max(1, abs));
  e.near("abs_sum", abs, 1e-9 * Math.max(1, abs));
  e.equal("dtype", "float32");
  e.equal("resized_dtype", "uint8");
  const sampled = e.has("sample_rows")
    ? e.input<readonly number[]>("sample_rows")
    : Array.from({ length: rows }, (_, i) => i);
  await heldTensors(e, id, tensors, { pixels: patches.pixels, rows, sampled, resized });
}

function patchesOf(image: RgbImage, merge: number, config: PreprocessorConfig, aspect: Aspect): Patches {
  const [patches] = preprocess([{ frames: [image], merge }], config, { aspect });
  if (patches === undefined) throw new Error("the processor gave no patches");
  return patches;
}

interface Computed {
  readonly pixels: Float32Array;
  readonly rows: number;
  readonly sampled: readonly number[];
  readonly resized: RgbImage;
}

async function heldTensors(
  e: Entry,
  id: string,
  tensors: TensorSource,
  { pixels, rows, sampled, resized }: Computed,
): Promise<void> {
  const width = pixels.length / rows;
  if (tensors.info(`${id}/rows`)) {
    const picked = sampled.flatMap((r) => [...pixels.subarray(r * width, (r + 1) * width)]);
    e.tensor("rows tensor", within(picked, await tensors.floats(`${id}/rows`), 0));
  }
  if (tensors.info(`${id}/pixel_values`))
    e.tensor("pixel_values tensor", within(pixels, await tensors.floats(`${id}/pixel_values`), 0));
  if (tensors.info(`${id}/resized`))
    e.tensor("resized tensor", exact(resized.data, await tensors.read(`${id}/resized`)));
}

/** A sum that does not depend on the order of its terms within the tolerance: compensated (Neumaier, 1974). */
function sums(values: Float32Array): { sum: number; abs: number } {
  let [sum, lost, abs] = [0, 0, 0];
  for (const x of values) {
    const next = sum + x;
    lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
    sum = next;
    abs += Math.abs(x);
  }
  return { sum: sum + lost, abs };
}

/** Tensors that belong to no entry: the made pictures, plain resizes, and the patches of pictures of other modes. */
async function looseTensor(key: string, tensors: TensorSource, entries: readonly Json[]): Promise<Outcome> {
  if (key.startsWith("resize/")) {
    const image = await pictureIn(tensors, "resize/input");
    return exact(resizeBicubic(image, sidesOf(tensors, key)).data, await tensors.read(key));
  }
  if (/^\d+x\d+\/input$/.test(key)) {
    const entry = entries.find(
      (e) => key === `${(e as { height: number }).height}x${(e as { width: number }).width}/input`,
    );
    if (entry === undefined) throw new Error(`no entry has a picture of ${key}`);
    const { height, width } = sidesOf(tensors, key);
    return exact(synthImage(height, width, (entry as { seed: number }).seed).data, await tensors.read(key));
  }
  if (/^mode-\w+\/pixel_values$/.test(key)) return modePatches(key, tensors);
  throw new Error(`nothing is known of a tensor ${key}`);
}

/** The first two sizes of a tensor's shape. */
function sidesOf(tensors: TensorSource, key: string): Size {
  const info = tensors.info(key);
  if (info === undefined) throw new Error(`there is no tensor ${key}`);
  const [height, width] = info.shape;
  if (height === undefined || width === undefined) throw new Error(`${key} has fewer than two axes`);
  return { height, width };
}

async function pictureIn(tensors: TensorSource, key: string): Promise<RgbImage> {
  return { ...sidesOf(tensors, key), data: await tensors.read(key) };
}

/** The first rows of a converted picture's patches; Pillow's, so the released code confuses its sides. */
async function modePatches(key: string, tensors: TensorSource): Promise<Outcome> {
  const image = await pictureIn(tensors, key.replace("/pixel_values", "/rgb"));
  const { height: rows, width: values } = sidesOf(tensors, key);
  // A row is a patch of three channels. The rest is the class's own configuration.
  const config = { ...DEFAULT_CONFIG, patchSize: Math.sqrt(values / 3) };
  const { pixels } = patchesOf(image, 1, config, "transposed");
  return within(pixels.subarray(0, rows * values), await tensors.floats(key), 0);
}

/** The made picture of the goldens' README: unsigned 32-bit arithmetic on x, y, the channel and a seed. */
function synthImage(height: number, width: number, seed: number): RgbImage {
  const data = new Uint8Array(height * width * 3);
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const v = ((x * (3 + c) + y * (2 + 2 * c) + 17 * seed) >>> 1) & 255;
        let n =
          (Math.imul(x, 73856093) ^ Math.imul(y, 19349663) ^ Math.imul(c, 83492791) ^ Math.imul(seed, 2654435761)) >>>
          0;
        n = (n ^ (n >>> 13)) >>> 0;
        n = Math.imul(n, 1274126177) >>> 0;
        n = (n ^ (n >>> 16)) >>> 0;
        data[at++] = (3 * v + (n & 255)) >> 2;
      }
  return { data, width, height };
}
