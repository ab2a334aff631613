import { keepMask, type PruneRule, pixelDistances, resultOnHost, tokensPerFrame, visionFeeds } from "@hulu/core";
import { open, type TensorSource } from "@hulu/safetensors";
import { integers, openCase, readInputs } from "./inputs.js";
import { exact, failure, type Outcome, type Row, rowOf, shaped, within } from "./row.js";
import { numbers, type Variant } from "./variant.js";

const rules: ReadonlyMap<string, PruneRule> = new Map([
  ["released", "released"],
  ["pixel", "pixel"],
  ["embedding", "embedding"],
  // Its name in the goldens, after the code that has it.
  ["videollama3", "pixel255"],
  ["pixel255", "pixel255"],
]);
const L1_BOUND = 1e-3;

interface Distances {
  readonly tokens: number;
  readonly pixel: Float64Array;
  readonly embedding: Float32Array;
}

/** The rows of a `masks-NAME.safetensors`: the pruning rules at several thresholds, on the pixel values of `case-NAME`. */
export async function maskRows(name: string, file: string, variant: () => Promise<Variant>): Promise<Row[]> {
  const golden = await open(file);
  const keys = [...golden.keys()];
  try {
    const distances = await distancesOf(await variant(), file.replace(/masks-([^/\\]*)$/, "case-$1"));
    const rows: Row[] = [];
    for (const key of keys) rows.push(await rowOf(name, key, () => heldMask(golden, key, distances)));
    return rows;
  } catch (error) {
    return keys.map((key) => failure(name, key, error));
  }
}

async function heldMask(golden: TensorSource, key: string, distances: Distances): Promise<Outcome> {
  if (key === "embedding.l1_distance") return heldDistances(golden, key, distances);
  const mask = maskOf(key, distances);
  if (mask === undefined) throw new Error(`nothing is known of a mask ${key}`);
  return exact(mask, await integers(golden, key));
}

/** The first frame has none before it, so its distances are not published. */
async function heldDistances(golden: TensorSource, key: string, { embedding, tokens }: Distances): Promise<Outcome> {
  const found = embedding.subarray(tokens);
  return shaped(
    within(found, await golden.floats(key), L1_BOUND),
    [found.length / tokens, tokens],
    golden.info(key)?.shape ?? [],
  );
}

/** `released.thr0.1.min1`; `.bf16` names the same mask, made from bfloat16 pixels. */
function maskOf(key: string, { tokens, pixel, embedding }: Distances): Uint8Array | undefined {
  const [, name = "", threshold, minTokens] = /^(\w+)\.thr([\d.e+-]+)\.min(\d+)(?:\.bf16)?$/.exec(key) ?? [];
  const rule = rules.get(name);
  if (rule === undefined) return undefined;
  return keepMask(rule === "embedding" ? embedding : pixel, tokens, {
    rule,
    threshold: Number(threshold),
    minTokens: Number(minTokens),
  });
}

async function distancesOf({ compiled }: Variant, caseFile: string): Promise<Distances> {
  const { items } = await readInputs(await openCase(caseFile));
  const [item, ...more] = items;
  if (item === undefined || more.length > 0) throw new Error("masks belong to a case of one video or volume");
  const { grid, merge, pixels } = item;
  const tokens = tokensPerFrame(grid, merge);
  const { tokens: encoded } = await compiled.run("encodeVision", visionFeeds(item));
  const [, , width = 0] = encoded.shape;
  const first = (await encoded.read()).slice(0, tokens * width);
  const { distance } = await compiled.run("frameDifference", {
    tokens: encoded,
    before: resultOnHost({ dtype: "f32", shape: [tokens, width], data: first }),
  });
  encoded.dispose();
  return { tokens, pixel: pixelDistances(pixels, grid[0], tokens), embedding: await numbers(distance) };
}
