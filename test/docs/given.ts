// What a block of a page takes for granted, under the names that a comment before it has: <!-- given: model, image -->.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onnx } from "@hulu/backend-onnx";
import { type VlmCheckpoint, vlmFromCheckpoint } from "@hulu/core";
import { type HuluModel, load, type Message } from "@hulu/engine";
import { openCheckpoint } from "@hulu/safetensors";
import { root } from "../house/source.js";

const data = join(root, "test/data");

export const model: HuluModel = await load(join(data, "goldens/q3-p16"), { backend: onnx, worker: false });
export const image: Uint8Array = await readFile(join(data, "samples/resize/microaneurysms_in.png"));
export const volume: Uint8Array = await readFile(join(data, "goldens/q3-p16/volume.nii.gz"));
export const frames: readonly Uint8Array[] = [image, image];
export const messages: readonly Message[] = [{ role: "user", content: "What is it?" }];
const names = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "preprocessor_config.json",
  "model.safetensors",
];
/** A checkpoint's files, as a page has them. */
export const files: ReadonlyMap<string, Blob> = new Map(
  await Promise.all(
    names.map(async (name) => [name, new Blob([await readFile(join(data, "goldens/q3-p16", name))])] as const),
  ),
);
const folder = join(data, "goldens/q3-p16");
const config: unknown = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
export const checkpoint: VlmCheckpoint = vlmFromCheckpoint(config, await openCheckpoint(folder));
