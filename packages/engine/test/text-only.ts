import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type MemoryTensor, open, serialize } from "@hulu/safetensors";

const goldens = "test/data/goldens";
const visual = /^(mm_|image_token|use_token_compression|vision_)/;

/** A checkpoint of the goldens without its encoder and projector: a language model, whose answer to a text is the same. */
export async function textOnly([variant, type, architecture]: readonly [string, string, string], changes: object = {}) {
  const folder = join(goldens, variant);
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  const config = Object.entries(JSON.parse(text("config.json"))).filter(([key]) => !visual.test(key));
  const source = await open(join(folder, "model.safetensors"));
  const tensors: MemoryTensor[] = [];
  for (const name of source.keys())
    if (!/vision_encoder|mm_projector/.test(name))
      tensors.push({ name, ...source.info(name)!, data: await source.read(name) });
  const json = { ...Object.fromEntries(config), model_type: type, architectures: [architecture] };
  const files: Record<string, unknown> = {
    "config.json": JSON.stringify(json),
    "tokenizer.json": text("tokenizer.json"),
    "tokenizer_config.json": text("tokenizer_config.json"),
    "model.safetensors": serialize(tensors),
    ...changes,
  };
  const bytes = (value: unknown) => (typeof value === "string" ? new TextEncoder().encode(value) : value) as Uint8Array;
  return new Map(Object.entries(files).map(([name, value]) => [name, bytes(value)]));
}
