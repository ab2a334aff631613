import { readFileSync } from "node:fs";
import { join } from "node:path";

const folder = "test/data/goldens/q3-p16";
const bytes = (text: string) => new TextEncoder().encode(text);

/** A template that uses what published ones use. */
const template = `{%- set ns = namespace(first=true) -%}
{%- for message in messages -%}
{%- if message.content is string -%}{%- set content = message.content -%}
{%- else -%}{%- set content -%}{%- for part in message.content -%}{%- if part.type == 'text' -%}{{ part.text }}{%- else -%}{{ image_token }}
{% endif -%}{%- endfor -%}{%- endset -%}{%- endif -%}
<|im_start|>{{ message['role'] }}
{{ content | trim | replace('</think>', '') }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}`;

const generation = {
  do_sample: true,
  temperature: 0.7,
  top_k: 20,
  top_p: 0.9,
  repetition_penalty: 1.1,
  eos_token_id: [499, 502],
};

const TEXTS = ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"] as const;

/** The small golden checkpoint as files by name, with all files that a checkpoint may have. */
export function golden(): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of [...TEXTS, "model.safetensors"]) files.set(name, new Uint8Array(readFileSync(join(folder, name))));
  files.set("generation_config.json", bytes(JSON.stringify(generation)));
  files.set("chat_template.jinja", bytes(template));
  return files;
}

/** The same with an index, and its one shard. */
export function sharded(): Map<string, Uint8Array> {
  const files = golden();
  const shard = files.get("model.safetensors")!;
  const header = JSON.parse(new TextDecoder().decode(headerOf(shard))) as Record<string, unknown>;
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  const weight_map = Object.fromEntries(names.map((name) => [name, "model-00001.safetensors"]));
  files.delete("model.safetensors");
  files.set("model-00001.safetensors", shard);
  files.set("model.safetensors.index.json", bytes(JSON.stringify({ metadata: { total_size: 1 }, weight_map })));
  return files;
}

/** The header's JSON. */
export function headerOf(file: Uint8Array): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return file.subarray(8, 8 + length);
}

/** The file with another header before the same tensors; the length is right unless given. */
export function withHeader(file: Uint8Array, header: Uint8Array, length = BigInt(header.byteLength)): Uint8Array {
  const tensors = file.subarray(8 + headerOf(file).byteLength);
  const whole = new Uint8Array(8 + header.byteLength + tensors.byteLength);
  new DataView(whole.buffer).setBigUint64(0, length, true);
  whole.set(header, 8);
  whole.set(tensors, 8 + header.byteLength);
  return whole;
}
