import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open, type TensorInput, write } from "@hulu/safetensors";

const small = "test/data/goldens/q3-p16";
const readJson = (name: string) => JSON.parse(readFileSync(join(small, name), "utf8"));

/**
 * The small checkpoint with a vocabulary as large as the published models': words that are two words of the small one, with
 * the merges that make them, and rows for them. What it says is noise; what loading it costs is not.
 */
export async function makeLargeVocabulary(folder: string, words: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const save = (name: string, json: unknown) => writeFileSync(join(folder, name), JSON.stringify(json));
  const config = readJson("config.json");
  const rows = Math.ceil((config.vocab_size + words) / 64) * 64;
  save("config.json", { ...config, vocab_size: rows });
  save("tokenizer.json", moreWords(readJson("tokenizer.json"), config.vocab_size, words));
  // A picture of any size becomes about a thousand patches: what is measured is reading it, not the encoder.
  save("preprocessor_config.json", { ...readJson("preprocessor_config.json"), max_tokens: 1024 });
  save("tokenizer_config.json", readJson("tokenizer_config.json"));
  const source = await open(join(small, "model.safetensors"));
  const tensors: TensorInput[] = [];
  for (const name of source.keys()) {
    const { dtype, shape } = source.info(name)!;
    const data = await source.read(name);
    if (!name.endsWith("embed_tokens.weight")) tensors.push({ name, dtype, shape, data });
    else tensors.push({ name, dtype, shape: [rows, shape[1]!], data: repeated(data, rows * shape[1]! * 4) });
  }
  await write(join(folder, "model.safetensors"), tensors);
}

function moreWords(tokenizer: ReturnType<typeof JSON.parse>, from: number, count: number): unknown {
  const vocab = new Map<string, number>(Object.entries(tokenizer.model.vocab));
  const merges = [...tokenizer.model.merges];
  const words = [...vocab.keys()];
  let id = from;
  for (const left of words)
    for (const right of words) {
      if (id === from + count) break;
      if (vocab.has(left + right)) continue;
      vocab.set(left + right, id++);
      merges.push([left, right]);
    }
  return { ...tokenizer, model: { ...tokenizer.model, vocab: Object.fromEntries(vocab), merges } };
}

function repeated(data: Uint8Array, length: number): Uint8Array {
  const long = new Uint8Array(length);
  for (let at = 0; at < length; at += data.length) long.set(data.subarray(0, length - at), at);
  return long;
}
