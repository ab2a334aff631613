import { execFileSync } from "node:child_process";
import { mkdir, open, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { golden, headerOf, sharded, withHeader } from "./golden.js";

/** Makes a folder hostile; it holds the golden checkpoint already, and its neighbour `outside` a copy of some files. */
type Change = (folder: string) => Promise<unknown>;
/** What is wrong, how the folder comes to be so, and how the error begins; `answered` where there is to be none. */
export type Case = readonly [name: string, change: Change, error: RegExp | "answered"];

/** The fields that the changes below go into. */
interface Json {
  [field: string]: unknown;
  model: { vocab: Record<string, number> };
}

const decoder = new TextDecoder();
const base = golden();
const text = (name: string) => decoder.decode(base.get(name));
const json = (name: string) => JSON.parse(text(name)) as Json;
const model = base.get("model.safetensors")!;

const write =
  (name: string, content: string | Uint8Array): Change =>
  (folder) =>
    writeFile(join(folder, name), content);
/** A JSON file with some fields changed. */
const fields = (name: string, change: Record<string, unknown>) =>
  write(name, JSON.stringify({ ...json(name), ...change }));
const config = (change: Record<string, unknown>) => fields("config.json", change);
const vision = (change: Record<string, unknown>) =>
  config({ vision_encoder_config: { ...(json("config.json").vision_encoder_config as object), ...change } });
/** A JSON file with a piece of text before its last brace. */
const written = (name: string, more: string) => write(name, text(name).trimEnd().replace(/\}$/, `,${more}}`));
/** A number as it is written, in the place of a field's. */
const spelled = (name: string, field: string, value: string) =>
  write(name, JSON.stringify({ ...json(name), [field]: "@" }).replace('"@"', value));
/** A file of a size, which takes no place on the disk. */
const sparse =
  (name: string, bytes: number, begin = ""): Change =>
  async (folder) => {
    await writeFile(join(folder, name), begin);
    await truncate(join(folder, name), bytes);
  };
const link =
  (name: string, to: string): Change =>
  async (folder) => {
    await rm(join(folder, name), { force: true, recursive: true });
    await symlink(to, join(folder, name));
  };
const pipe =
  (name: string): Change =>
  async (folder) => {
    await rm(join(folder, name), { force: true });
    execFileSync("mkfifo", [join(folder, name)]);
  };
const folderIn =
  (name: string): Change =>
  async (folder) => {
    await rm(join(folder, name), { force: true });
    await mkdir(join(folder, name));
  };
const both =
  (...changes: readonly Change[]): Change =>
  async (folder) => {
    for (const change of changes) await change(folder);
  };

const tokenizer = (change: (json: Json) => void) => {
  const file = json("tokenizer.json");
  change(file);
  return write("tokenizer.json", JSON.stringify(file));
};
const cutBy = (Regex: string) =>
  tokenizer((file) => {
    const split = { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
    file.pre_tokenizer = { type: "Sequence", pretokenizers: [split, { type: "ByteLevel", use_regex: false }] };
  });
const template = (source: string) => write("chat_template.jinja", source);

const headerText = decoder.decode(headerOf(model)).trimEnd();
const header = (more: string, tensors = model) =>
  write("model.safetensors", withHeader(tensors, new TextEncoder().encode(headerText.replace(/\}$/, `,${more}}`))));
const entry = (fields: string) => `{"dtype":"F32",${fields}}`;
const nothing = entry('"shape":[0],"data_offsets":[0,0]');
/** The size of a tensor in the place of the true one. */
const shaped = (shape: string) =>
  write(
    "model.safetensors",
    withHeader(model, new TextEncoder().encode(headerText.replace(/"shape":\s*\[[^\]]*\]/, `"shape":${shape}`))),
  );
/** A header of a length that only the file system knows. */
const longHeader =
  (length: number, begin: string): Change =>
  async (folder) => {
    const first = new Uint8Array(8);
    new DataView(first.buffer).setBigUint64(0, BigInt(length), true);
    const file = await open(join(folder, "model.safetensors"), "w");
    await file.write(first);
    await file.write(begin);
    await file.truncate(8 + length);
    await file.close();
  };

const index = JSON.parse(decoder.decode(sharded().get("model.safetensors.index.json"))) as {
  weight_map: Record<string, string>;
};
const asShards = both(
  (folder) => rm(join(folder, "model.safetensors")),
  write("model-00001.safetensors", model),
  write("model.safetensors.index.json", JSON.stringify(index)),
);
const first = Object.keys(index.weight_map)[0]!;
const shard = (name: string) =>
  both(
    asShards,
    write("model.safetensors.index.json", JSON.stringify({ weight_map: { ...index.weight_map, [first]: name } })),
  );
const indexText = (weightMap: string) =>
  both(asShards, write("model.safetensors.index.json", `{"weight_map":{${weightMap}}}`));
const encoder = (field: string, path: string) => config({ vision_encoder_config: null, [field]: path });

const sizes: readonly Case[] = [
  ...[
    "hidden_size",
    "vocab_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
  ].flatMap((field): Case[] => [
    [
      `${field} of 1e9`,
      config({ [field]: 1e9 }),
      new RegExp(`^ConfigError: config.json: ${field} is 1000000000; it must be`),
    ],
    [`${field} of 0`, config({ [field]: 0 }), new RegExp(`^ConfigError: config.json: ${field} is 0; it must be`)],
    [`${field} of -1`, config({ [field]: -1 }), new RegExp(`^ConfigError: config.json: ${field} is -1`)],
    [
      `${field} that is no whole number`,
      config({ [field]: 4.5 }),
      new RegExp(`^ConfigError: config.json: ${field} is 4.5`),
    ],
    [`${field} that is a text`, config({ [field]: "64" }), new RegExp(`^ConfigError: config.json: ${field} is "64"`)],
  ]),
  [
    "the largest sizes that are allowed",
    config({
      hidden_size: 2 ** 24,
      head_dim: 4096,
      num_hidden_layers: 1000,
      vocab_size: 2 ** 24,
      intermediate_size: 2 ** 24,
    }),
    /^WeightError/,
  ],
  ["heads that do not share their keys evenly", config({ num_key_value_heads: 3 }), /^ConfigError: .*evenly/],
  [
    "max_position_embeddings of 1e18",
    config({ max_position_embeddings: 1e18 }),
    /^ConfigError: .*max_position_embeddings/,
  ],
  ["a negative theta", config({ rope_theta: -1 }), /^ConfigError: .*rope_theta is -1/],
  ["an eps of 0", config({ rms_norm_eps: 0 }), /^ConfigError: .*rms_norm_eps is 0/],
  ["an eps of NaN", spelled("config.json", "rms_norm_eps", "NaN"), /^EngineError: config.json is not JSON/],
  ["an eps of 1e999", spelled("config.json", "rms_norm_eps", "1e999"), /^ConfigError: .*rms_norm_eps/],
  ["an eps of -0", spelled("config.json", "rms_norm_eps", "-0"), /^ConfigError: .*rms_norm_eps/],
  [
    "an eps that is a list 60 deep",
    spelled("config.json", "rms_norm_eps", `${"[".repeat(60)}${"]".repeat(60)}`),
    /^ConfigError: .*rms_norm_eps/,
  ],
  ["an encoder of 1e9 layers", vision({ num_hidden_layers: 1e9 }), /^ConfigError: .*num_hidden_layers/],
  ["an encoder of no heads", vision({ num_attention_heads: 0 }), /^ConfigError: .*num_attention_heads/],
  ["an encoder whose heads do not divide", vision({ num_attention_heads: 7 }), /^ConfigError: .*2D rotary/],
  ["patches of 1e9 pixels", vision({ patch_size: 1e9 }), /^ConfigError: .*patch_size/],
  ["1e9 channels", vision({ num_channels: 1e9 }), /^ConfigError: .*num_channels/],
  ["a projector of 99 layers", config({ mm_projector_type: "mlp99x_gelu" }), /^WeightError/],
  [
    "a projector of 1e9 layers",
    config({ mm_projector_type: "mlp1000000000x_gelu" }),
    /^ConfigError: .*mm_projector_type/,
  ],
  [
    "an end token 1e9 times",
    config({ eos_token_id: Array.from({ length: 100_000 }, () => 1) }),
    /^ConfigError: .*eos_token_id/,
  ],
  [
    "pictures of 1e9 tokens at least",
    fields("preprocessor_config.json", { min_tokens: 1e9, max_tokens: 1e9 }),
    /^ProcessorError: .*min_tokens/,
  ],
  [
    "preprocessor's patches of 1e9",
    fields("preprocessor_config.json", { patch_size: 1e9 }),
    /^ProcessorError: .*patch_size/,
  ],
  ["a deviation of 0", fields("preprocessor_config.json", { image_std: [0, 1, 1] }), /^ProcessorError: .*image_std/],
  [
    "a mean of 1e999",
    spelled("preprocessor_config.json", "image_mean", "[1e999,0,0]"),
    /^ProcessorError: .*image_mean/,
  ],
  ["a temperature of 1e999", spelled("generation_config.json", "temperature", "1e999"), /^EngineError: .*temperature/],
  ["a top_k of 1e9", fields("generation_config.json", { top_k: 1e9 }), "answered"],
  [
    "100,000 end tokens",
    fields("generation_config.json", { eos_token_id: Array.from({ length: 100_000 }, () => 1) }),
    /^EngineError: .*eos_token_id/,
  ],
];

const names: readonly Case[] = [
  [
    "__proto__ in config.json, with sizes",
    written("config.json", '"__proto__":{"num_hidden_layers":1,"vocab_size":1}'),
    "answered",
  ],
  [
    "constructor in config.json",
    written("config.json", '"constructor":{"prototype":{"x":1}},"toString":1'),
    "answered",
  ],
  [
    "__proto__ in the place of a size",
    write("config.json", text("config.json").replace('"num_hidden_layers"', '"__proto__"')),
    /^ConfigError: .*num_hidden_layers is missing/,
  ],
  [
    "model_type constructor",
    config({ model_type: "constructor" }),
    /^ConfigError: .*model_type "constructor" is not known/,
  ],
  ["hidden_act __proto__", config({ hidden_act: "__proto__" }), /^ConfigError: .*hidden_act "__proto__"/],
  [
    "a tensor named __proto__",
    header(`"__proto__":${nothing}`),
    /^WeightError: [\s\S]*unexpected \(1\):\n\s+__proto__ \[0\]/,
  ],
  [
    "a tensor named constructor",
    header(`"constructor":${nothing}`),
    /^WeightError: [\s\S]*unexpected \(1\):\n\s+constructor \[0\]/,
  ],
  ["__proto__ in the index", indexText(`"__proto__":"model-00001.safetensors"`), /^SafetensorsError: .*__proto__/],
  ["a shard named constructor", shard("constructor"), /^SafetensorsError: .*plain file name/],
  ["__proto__ in generation_config.json", written("generation_config.json", '"__proto__":{"top_p":7}'), "answered"],
  [
    "__proto__ in preprocessor_config.json",
    written("preprocessor_config.json", '"__proto__":{"patch_size":7}'),
    "answered",
  ],
  [
    "__proto__ in tokenizer_config.json",
    written("tokenizer_config.json", '"__proto__":{"chat_template":"x"}'),
    "answered",
  ],
  [
    "__proto__ as a step of a tokenizer",
    tokenizer((file) => (file.normalizer = { type: "__proto__" })),
    /^ProcessorError/,
  ],
];

const paths: readonly Case[] = [
  ...["vision_encoder", "mm_vision_encoder"].flatMap((field): Case[] => [
    [`an absolute ${field}`, encoder(field, "/etc"), /^EngineError: .*leaves the checkpoint's folder/],
    [`${field} with ..`, encoder(field, "../outside"), /^EngineError: .*leaves the checkpoint's folder/],
    [`${field} with .. inside`, encoder(field, "a/../../outside"), /^EngineError: .*leaves the checkpoint's folder/],
    [`${field} of Windows`, encoder(field, "C:\\outside"), /^EngineError: .*leaves the checkpoint's folder/],
    [
      `${field} that is a link to outside`,
      both(encoder(field, "navit"), link("navit", "../outside")),
      /^EngineError: .*is a link that leaves/,
    ],
  ]),
  ["an absolute shard", shard("/etc/model.safetensors"), /^SafetensorsError: .*plain file name/],
  ["a shard with ..", shard("../outside/model.safetensors"), /^SafetensorsError: .*plain file name/],
  [
    "a shard that is a link to outside",
    both(asShards, link("model-00001.safetensors", "../outside/model.safetensors")),
    /^SafetensorsError: .*link leads out/,
  ],
  [
    "weights that are a link to outside",
    link("model.safetensors", "../outside/model.safetensors"),
    /^SafetensorsError: .*link leads out/,
  ],
  [
    "a config that is a link to outside",
    link("config.json", "../outside/config.json"),
    /^EngineError: .*is a link that leaves/,
  ],
  [
    "a tokenizer that is a link to a device",
    link("tokenizer.json", "/dev/zero"),
    /^EngineError: .*is a link that leaves/,
  ],
  ["a link to itself", link("config.json", "config.json"), /^EngineError: .*cannot be read/],
  ...["config.json", "tokenizer.json", "chat_template.jinja", "preprocessor_config.json"].flatMap((name): Case[] => [
    [`a pipe for ${name}`, pipe(name), /^EngineError: .*must be a file/],
    [`a folder for ${name}`, folderIn(name), /^EngineError: .*must be a file/],
  ]),
  ["a pipe for the weights", pipe("model.safetensors"), /^SafetensorsError: .*regular file/],
  ["a folder for a shard", both(asShards, folderIn("model-00001.safetensors")), /^SafetensorsError/],
];

const texts: readonly Case[] = [
  ["a config of 1 GB", sparse("config.json", 2 ** 30, "{"), /^EngineError: config.json has 1073741824 bytes/],
  ["a preprocessor's config of 1 GB", sparse("preprocessor_config.json", 2 ** 30), /^EngineError: .* bytes/],
  ["a tokenizer of 300 MB", sparse("tokenizer.json", 300 * 2 ** 20, "{"), /^EngineError: .* bytes/],
  ["a template of 1 GB", sparse("chat_template.jinja", 2 ** 30), /^EngineError: .* bytes/],
  ["an index of 1 GB", both(asShards, sparse("model.safetensors.index.json", 2 ** 30)), /^SafetensorsError: .* bytes/],
  ["100,000 lists in each other", spelled("config.json", "x", "[".repeat(100_000)), /^EngineError: .*nested more than/],
  [
    "100,000 objects in each other",
    spelled("config.json", "x", '{"a":'.repeat(100_000)),
    /^EngineError: .*nested more than/,
  ],
  [
    "a tokenizer of 100,000 lists in each other",
    spelled("tokenizer.json", "x", "[".repeat(100_000)),
    /^EngineError: .*nested more than/,
  ],
  ["a million empty lists", spelled("config.json", "x", `[${"[],".repeat(1_000_000)}[]]`), "answered"],
  [
    "a tokenizer of 15 million empty lists",
    spelled("tokenizer.json", "x", `[${"[],".repeat(15_000_000)}[]]`),
    /^EngineError: .*more than 4000000 values/,
  ],
  ["a key twice", written("config.json", '"vocab_size":7'), /^EngineError: .*"vocab_size" twice/],
  ["a word twice", tokenizerText((file) => file.replace('"vocab":{', '"vocab":{"a":1,')), /^EngineError: .*"a" twice/],
];

function tokenizerText(change: (text: string) => string): Change {
  return write("tokenizer.json", change(JSON.stringify(json("tokenizer.json"))));
}

const weights: readonly Case[] = [
  [
    "a header of 2^63 bytes",
    (folder) =>
      writeFile(join(folder, "model.safetensors"), Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 123)),
    /^SafetensorsError: .*header would have/,
  ],
  ["a header of 16 MB of nothing", longHeader(16_000_000, ""), /^SafetensorsError/],
  ["a header of 16 MB of braces", longHeader(16_000_000, '{"a":{"b":'.repeat(1000)), /^SafetensorsError/],
  ["a tensor of 1e9 x 1e9", shaped("[1000000000,1000000000]"), /^SafetensorsError/],
  ["a tensor whose size overflows", shaped("[9007199254740991,9007199254740991]"), /^SafetensorsError: .*/],
  ["a tensor of -1", shaped("[-1]"), /^SafetensorsError/],
  ["a tensor of 100,000 dimensions", shaped(`[${"1,".repeat(100_000)}1]`), /^SafetensorsError: .*dimensions/],
  [
    "a tensor in another one",
    header(`"x":${entry('"shape":[1],"data_offsets":[0,4]')}`),
    /^SafetensorsError: .*lies in another tensor/,
  ],
  [
    "a tensor past the end",
    header(`"x":${entry('"shape":[1000000000],"data_offsets":[0,4000000000]')}`),
    /^SafetensorsError/,
  ],
  ["a tensor twice", header(`"${first}":${nothing}`), /^SafetensorsError: .*twice/],
  ["a header of lists in each other", header(`"x":${"[".repeat(100_000)}`), /^SafetensorsError/],
  ["a terabyte of weights", sparseWeights(2 ** 40), /^SafetensorsError: .*bytes follow/],
  [
    "an index of a million shards",
    indexText(Array.from({ length: 1_000_000 }, (_, i) => `"t${i}":"${i}.safetensors"`).join(",")),
    /^SafetensorsError: .*too many/,
  ],
  [
    "an index of 4000 shards that are not there",
    indexText(Array.from({ length: 4000 }, (_, i) => `"t${i}":"${i}.safetensors"`).join(",")),
    /^SafetensorsError: .*not found/,
  ],
  [
    "an index that names a tensor twice",
    indexText(`"${first}":"model-00001.safetensors","${first}":"x.safetensors"`),
    /^SafetensorsError: .*twice/,
  ],
];

function sparseWeights(bytes: number): Change {
  return (folder) => truncate(join(folder, "model.safetensors"), bytes);
}

const programs: readonly Case[] = [
  ["range(1000000000)", template("{% for i in range(1000000000) %}x{% endfor %}"), /^ProcessorError: .*range/],
  [
    "2,000,000 turns",
    template("{% for i in range(200) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}"),
    /^ProcessorError: .*steps/,
  ],
  [
    "a text that doubles",
    template("{% set ns = namespace(a='xx') %}{% for i in range(99) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}"),
    /^ProcessorError: .*characters/,
  ],
  [
    "a list that doubles",
    template(
      "{% set ns = namespace(a=[1]) %}{% for i in range(99) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}",
    ),
    /^ProcessorError: .*characters/,
  ],
  ["a macro without end", template("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), /^ProcessorError/],
  ["a template of 4 MB", template("a".repeat(4_000_000)), /^ProcessorError: .*262144/],
  ["a template of brackets", template(`{{ ${"(".repeat(100_000)}`), /^ProcessorError: .*deep/],
  ["a template of spaces", template(" ".repeat(250_000)), /^ProcessorError: .*white-space/],
  ...["(a+)+$", "(a|a)*b", "(x{1000}){1000}", "(?=(a+)+b)a"].map(
    (pattern): Case => [`the pattern ${pattern}`, cutBy(pattern), "answered"],
  ),
  ["the pattern (.*)*x, on any text", cutBy("(.*)*x"), /^ProcessorError: .*too many steps/],
  ["a backreference", cutBy("(a)\\1"), /^ProcessorError/],
  ["an id of 1e9", tokenizer((file) => (file.model.vocab.x = 1e9)), /^EngineError: .*the model has 512 rows/],
  [
    "pieces of no characters",
    tokenizer((file) => (file.pre_tokenizer = { type: "FixedLength", length: 0 })),
    /^ProcessorError: .*length/,
  ],
  [
    "a replacement that grows",
    tokenizer(
      (file) =>
        (file.normalizer = {
          type: "Sequence",
          normalizers: Array.from({ length: 20 }, () => ({ type: "Replace", pattern: { String: "a" }, content: "aa" })),
        }),
    ),
    /^ProcessorError: .*longer/,
  ],
  [
    "a million words",
    tokenizer((file) => {
      for (let i = 0; i < 1_000_000; i++) file.model.vocab[`w${i}`] = 600 + i;
    }),
    /^EngineError: .*more than 300000 keys/,
  ],
];

export const cases: readonly Case[] = [...sizes, ...names, ...paths, ...texts, ...weights, ...programs];
