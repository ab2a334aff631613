import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Grid, type PruneOptions, type PruneRule, pruneRules, type VisualItem } from "@hulu/core";
import { open, type TensorSource, toTypedArray } from "@hulu/safetensors";

/** What a case gives to the model: its `in.*` tensors and what its JSON says of them. */
export interface CaseInputs {
  readonly ids: Int32Array;
  readonly attention: Int32Array | undefined;
  readonly labels: Int32Array | undefined;
  readonly items: readonly (VisualItem & { readonly prune: PruneOptions | undefined })[];
}

/** A case's JSON, as far as it matters here. */
export interface CaseJson {
  readonly modals?: readonly string[];
  readonly pruning?: string;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly pixel_values_of?: string;
}

/** A case's own file, and the file that its inputs come from (`case-NAME@MODE` holds only what changes). */
export interface CaseFiles {
  readonly own: TensorSource;
  readonly base: TensorSource;
  /** The file of the pixel values, which may be another case's. */
  readonly pixels: { readonly source: TensorSource; readonly json: CaseJson };
  readonly json: CaseJson;
}

export async function readInputs({ own, base, pixels, json }: CaseFiles): Promise<CaseInputs> {
  const from = (key: string) => (own.info(key) === undefined ? base : own);
  const ids = await integers32(from("in.input_ids"), "in.input_ids");
  const optional = async (key: string) => (from(key).info(key) === undefined ? undefined : integers32(from(key), key));
  return {
    ids,
    attention: await optional("in.attention_mask"),
    labels: await optional("in.labels"),
    items: from("in.grid_sizes").info("in.grid_sizes") === undefined ? [] : await visualItems(from, pixels, json),
  };
}

async function visualItems(
  from: (key: string) => TensorSource,
  { source, json: pixelJson }: CaseFiles["pixels"],
  json: CaseJson,
) {
  const grids = await integers(from("in.grid_sizes"), "in.grid_sizes");
  const merges = await integers(from("in.merge_sizes"), "in.merge_sizes");
  const { values, width } = await pixelValues(source, pixelJson);
  const rule = ruleOf(json);
  let at = 0;
  return Array.from(merges, (merge, i) => {
    const grid: Grid = [grids[3 * i]!, grids[3 * i + 1]!, grids[3 * i + 2]!];
    const count = grid[0] * grid[1] * grid[2] * width;
    const pixels = values.subarray(at, at + count);
    at += count;
    const pruned = json.modals?.[i] === "video" && grid[0] > 1;
    return { pixels, grid, merge, prune: pruned ? { rule } : undefined };
  });
}

function ruleOf({ pruning = "released" }: CaseJson): PruneRule {
  const rule = pruneRules.find((r) => r === pruning);
  if (rule === undefined)
    throw new Error(`the case's pruning is "${pruning}"; it must be one of ${pruneRules.join(", ")}`);
  return rule;
}

/** The processor's output, or what its bytes stand for: (u8/255 - mean)/std, each step in float32. */
async function pixelValues(source: TensorSource, json: CaseJson): Promise<{ values: Float32Array; width: number }> {
  const info = source.info("in.pixel_values");
  if (info !== undefined) return { values: await source.floats("in.pixel_values"), width: info.shape[1]! };
  const shape = source.info("in.pixel_u8")?.shape;
  if (shape === undefined) throw new Error("the case has neither in.pixel_values nor in.pixel_u8");
  const bytes = await source.read("in.pixel_u8");
  const width = shape[1]!;
  const channels = json.mean?.length ?? 0;
  if (channels === 0 || json.std?.length !== channels)
    throw new Error("the case's JSON must give mean and std for in.pixel_u8");
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const channel = Math.floor(((i % width) * channels) / width);
    const scaled = Math.fround(bytes[i]! / 255);
    values[i] = Math.fround(Math.fround(scaled - Math.fround(json.mean![channel]!)) / Math.fround(json.std[channel]!));
  }
  return { values, width };
}

/**
 * Whole numbers, whatever they are stored as.
 * @throws Error for one that is not whole, or too large to be told from its neighbours
 */
export async function integers(source: TensorSource, key: string): Promise<Float64Array> {
  const info = source.info(key);
  if (info === undefined) throw new Error(`the case has no ${key}`);
  const stored: ArrayLike<number | bigint> = toTypedArray(info.dtype, await source.read(key));
  const values = Float64Array.from(stored, Number);
  const wrong = values.findIndex((n) => !Number.isSafeInteger(n));
  if (wrong >= 0)
    throw new Error(`element ${wrong} of ${key} is ${stored[wrong]}; it must be a whole number under 2^53`);
  return values;
}

/** Whole numbers that a program is fed. */
async function integers32(source: TensorSource, key: string): Promise<Int32Array> {
  const values = await integers(source, key);
  const wrong = values.findIndex((n) => n !== (n | 0));
  if (wrong >= 0) throw new Error(`element ${wrong} of ${key} is ${values[wrong]}; it must fit 32 bits`);
  return Int32Array.from(values);
}

/** `case-NAME@MODE` holds only what changes with the mode; the rest is in `case-NAME`. Pixel values may be another case's. */
export async function openCase(file: string): Promise<CaseFiles> {
  const own = await open(file);
  const json = await readCaseJson(file);
  const stem = basename(file, ".safetensors");
  const folder = dirname(file);
  const base = stem.includes("@") ? await open(join(folder, `${stem.split("@")[0]}.safetensors`)) : own;
  const mode = stem.split("@")[1];
  const whole: CaseJson = { ...(mode !== undefined && { pruning: mode }), ...json };
  const baseFile = join(folder, `${stem.split("@")[0]}.safetensors`);
  if (json.pixel_values_of === undefined)
    return { own, base, json: whole, pixels: { source: base, json: { ...(await readCaseJson(baseFile)), ...json } } };
  const other = join(folder, `${json.pixel_values_of}.safetensors`);
  return { own, base, json: whole, pixels: { source: await open(other), json: await readCaseJson(other) } };
}

async function readCaseJson(file: string): Promise<CaseJson> {
  const beside = file.replace(/\.safetensors$/, ".json");
  const text = await readFile(beside, "utf8").catch(() => "{}");
  try {
    return JSON.parse(text) as CaseJson;
  } catch (cause) {
    throw new Error(`${basename(beside)} is not JSON`, { cause });
  }
}
