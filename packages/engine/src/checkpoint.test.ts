import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reference } from "@hulu/backend-reference";
import { type MemoryTensor, open, serialize } from "@hulu/safetensors";
import { expect, test } from "vitest";
import { load, openModel } from "./index.js";

const folder = "test/data/goldens/q3-p16";
const text = (name: string) => readFileSync(join(folder, name), "utf8");
const bytes = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const config = () => JSON.parse(text("config.json")) as Record<string, unknown>;

/** The small checkpoint as files by name, some of them changed or (undefined) taken away. */
function files(changes: Readonly<Record<string, unknown>> = {}): Map<string, Uint8Array> {
  const map = new Map<string, Uint8Array>();
  for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"])
    map.set(name, bytes(text(name)));
  map.set("model.safetensors", readFileSync(join(folder, "model.safetensors")));
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) map.delete(name);
    else map.set(name, value instanceof Uint8Array ? value : bytes(value));
  }
  return map;
}

/** The weights under other names, some left out. */
async function weights(rename: (name: string) => string | undefined): Promise<Uint8Array> {
  const source = await open(join(folder, "model.safetensors"));
  const tensors: MemoryTensor[] = [];
  for (const key of source.keys()) {
    const name = rename(key);
    if (name !== undefined) tensors.push({ name, ...source.info(key)!, data: await source.read(key) });
  }
  return serialize(tensors);
}

const ids = async (source: ReadonlyMap<string, Uint8Array>) => {
  const model = await load(source, { backend: reference });
  const image = { data: Uint8Array.from({ length: 60 * 80 * 3 }, (_, i) => (i * 7) % 251), width: 80, height: 60 };
  const content = [
    { type: "image", image },
    { type: "text", text: "What?" },
  ] as const;
  const result = await model.ask([{ role: "user", content }], { maxTokens: 6 }).result();
  await model.dispose();
  return result.tokenIds;
};

const doubled = (name: string) => name.replace("model.vision_encoder.", "model.vision_encoder.vision_encoder.");
const native = (name: string) =>
  name
    .replace(/^model\.(embed_tokens|layers|norm)\./, "model.language_model.$1.")
    .replace("model.vision_encoder.", "model.vision_model.")
    .replace("model.mm_projector.", "model.projector.");

test("the three layouts of a checkpoint give the same answer", async () => {
  const { vision_encoder_config: vision, ...rest } = config();
  const original = files({
    "config.json": { ...rest, model_type: "hulumed_qwen2", vision_encoder: "nowhere", mm_vision_encoder: "./navit" },
    "navit/config.json": vision,
    "navit/preprocessor_config.json": text("preprocessor_config.json"),
    "preprocessor_config.json": undefined,
    "model.safetensors": await weights(doubled),
  });
  const { image_token_index: token, ...decoder } = rest;
  const huggingFace = files({
    "config.json": {
      model_type: "video_llama_3",
      image_token_id: token,
      text_config: {
        ...decoder,
        model_type: "qwen3",
        rope_theta: undefined,
        rope_parameters: { rope_type: "default", rope_theta: rest.rope_theta },
      },
      vision_config: vision,
      tie_word_embeddings: true,
    },
    "model.safetensors": await weights(native),
  });
  const expected = await ids(files());
  expect(await ids(original)).toEqual(expected);
  expect(await ids(huggingFace)).toEqual(expected);
  expect((await openModel(original)).layout).toBe("original");
  expect((await openModel(huggingFace)).layout).toBe("video_llama_3");
});

test("a checkpoint's own template and generation settings win", async () => {
  const template =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
  const inFile = await openModel(files({ "chat_template.jinja": template }));
  expect(inFile.template.render([{ role: "user", content: "hi" }], { addGenerationPrompt: true })).toBe(
    "[user]hi[assistant]",
  );
  const inConfig = await openModel(
    files({ "tokenizer_config.json": { ...JSON.parse(text("tokenizer_config.json")), chat_template: template } }),
  );
  expect(inConfig.template.name).toBe("jinja");
  expect((await openModel(files())).template.name).toBe("hulu-med");
  const { generation } = await openModel(
    files({ "generation_config.json": { do_sample: true, temperature: 0.6, top_k: 20, eos_token_id: [499, 502] } }),
  );
  expect(generation).toMatchObject({ temperature: 0.6, topK: 20, stopTokens: [499, 502] });
  expect((await openModel(files({ "generation_config.json": { temperature: 0.6 } }))).generation.temperature).toBe(0);
});

const cases: readonly [string, Record<string, unknown>, Record<string, unknown>][] = [
  ["no config", { "config.json": undefined }, { name: "EngineError", code: "file-missing" }],
  ["a config that is no JSON", { "config.json": "{" }, { name: "EngineError", code: "json-invalid" }],
  ["a config that is no object", { "config.json": "[]" }, { name: "ConfigError" }],
  [
    "zero heads",
    { "config.json": { ...config(), num_attention_heads: 0 } },
    { name: "ConfigError", message: expect.stringContaining("num_attention_heads is 0") },
  ],
  [
    "another architecture",
    { "config.json": { ...config(), model_type: "qwen3_vl_moe" } },
    { name: "ConfigError", message: expect.stringContaining("Hulu-Med-30A3") },
  ],
  [
    "an encoder outside the folder",
    { "config.json": { ...config(), vision_encoder_config: null, vision_encoder: "../navit" } },
    { code: "path-outside" },
  ],
  [
    "an encoder at an absolute path",
    { "config.json": { ...config(), vision_encoder_config: null, mm_vision_encoder: "/etc/navit" } },
    { code: "path-outside" },
  ],
  [
    "no tokenizer",
    { "tokenizer.json": undefined },
    { code: "file-missing", message: expect.stringContaining("tokenizer.json") },
  ],
  ["a tokenizer that is none", { "tokenizer.json": "{}" }, { name: "ProcessorError", code: "tokenizer-invalid" }],
  [
    "a picture token that no tokenizer has",
    { "config.json": { ...config(), image_token_index: 511 } },
    { code: "image-token" },
  ],
  ["a picture token that is a word", { "config.json": { ...config(), image_token_index: 7 } }, { code: "image-token" }],
  [
    "a tokenizer without words",
    {
      "tokenizer.json": {
        ...JSON.parse(text("tokenizer.json")),
        model: { ...JSON.parse(text("tokenizer.json")).model, vocab: {}, merges: [] },
      },
    },
    { message: expect.stringContaining("tokenizer.json") },
  ],
  [
    "a probability above one",
    { "generation_config.json": { do_sample: true, top_p: 7 } },
    { code: "json-invalid", message: expect.stringContaining("top_p must be above 0 and at most 1") },
  ],
  [
    "other patches than the encoder's",
    { "preprocessor_config.json": { patch_size: 14 } },
    { code: "json-invalid", message: expect.stringContaining("patches of 14") },
  ],
  ["no weights", { "model.safetensors": undefined }, { name: "SafetensorsError", code: "no-checkpoint" }],
  ["weights that are none", { "model.safetensors": "hello, I am not weights" }, { name: "SafetensorsError" }],
  [
    "a bad number in generation_config.json",
    { "generation_config.json": { do_sample: true, temperature: "hot" } },
    { code: "json-invalid" },
  ],
];
test.each(cases)("%s is an error that says so", async (_, changes, error) => {
  await expect(openModel(files(changes))).rejects.toMatchObject(error);
});

test("the tokenizer's last id is the model's last row", async () => {
  const tokenizer = JSON.parse(text("tokenizer.json"));
  const last = (id: number) => ({
    ...tokenizer,
    added_tokens: [...tokenizer.added_tokens, { ...tokenizer.added_tokens[0], id, content: "<far>" }],
  });
  expect((await openModel(files({ "tokenizer.json": last(511) }))).tokenizer.vocabSize).toBe(512);
  await expect(openModel(files({ "tokenizer.json": last(512) }))).rejects.toMatchObject({
    code: "tokenizer-mismatch",
    message: expect.stringContaining("ids up to 512, the model has 512 rows"),
  });
});

test("without a preprocessor's file the encoder says how large a patch is", async () => {
  const { preprocessor } = await openModel(files({ "preprocessor_config.json": undefined }));
  expect(preprocessor).toMatchObject({ patchSize: 16, minTokens: 16, maxTokens: 16384 });
  expect(preprocessor?.mean[0]).toBeCloseTo(0.48145466);
});

test("transformers' own layout has a mean and deviation of one half", async () => {
  const { vision_encoder_config: vision, image_token_index: token, ...rest } = config();
  const json = {
    model_type: "video_llama_3",
    image_token_id: token,
    text_config: { ...rest, model_type: "qwen3" },
    vision_config: vision,
    tie_word_embeddings: true,
  };
  const source = files({
    "config.json": json,
    "model.safetensors": await weights(native),
    "preprocessor_config.json": undefined,
  });
  expect((await openModel(source)).preprocessor).toMatchObject({
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    patchSize: 16,
  });
});

test("an answer ends at every end token that any file knows", async () => {
  const stops = async (changes: Record<string, unknown>) =>
    [...(await openModel(files(changes))).generation.stopTokens].sort();
  const tokenizerConfig = JSON.parse(text("tokenizer_config.json"));
  expect(await stops({})).toEqual([502]);
  expect(await stops({ "tokenizer_config.json": { ...tokenizerConfig, eos_token: "<|endoftext|>" } })).toEqual([
    499, 502,
  ]);
  expect(await stops({ "config.json": { ...config(), eos_token_id: [499, 500] } })).toEqual([499, 500, 502]);
  expect(await stops({ "generation_config.json": { eos_token_id: 501 } })).toEqual([501, 502]);
  expect(
    await stops({ "tokenizer_config.json": undefined, "config.json": { ...config(), eos_token_id: null } }),
  ).toEqual([502]);
});

test("what stands for a picture is looked up, or its absence named", async () => {
  const unsaid = { ...config(), image_token_index: -1 };
  expect((await openModel(files({ "config.json": unsaid }))).imageToken).toEqual({ id: 500, text: "<image>" });
  const tokenizer = JSON.parse(text("tokenizer.json"));
  tokenizer.added_tokens = tokenizer.added_tokens.filter((t: { content: string }) => t.content !== "<image>");
  const changes = { "tokenizer.json": tokenizer, "tokenizer_config.json": undefined };
  await expect(openModel(files({ ...changes, "config.json": unsaid }))).rejects.toMatchObject({
    code: "image-token",
    message: expect.stringContaining("neither config.json's image_token_index nor a token <image>"),
  });
  await expect(openModel(files(changes))).rejects.toMatchObject({
    code: "image-token",
    message: expect.stringContaining("image_token_index is 500, which tokenizer.json does not have"),
  });
});

test("of several templates the one called default counts", async () => {
  const named = [{ name: "tool_use", template: "no" }, null, "x", { name: "default", template: "yes" }];
  const own = { ...JSON.parse(text("tokenizer_config.json")), chat_template: named };
  expect(
    (await openModel(files({ "tokenizer_config.json": own }))).template.render([{ role: "user", content: "" }]),
  ).toBe("yes");
  expect((await openModel(files({ "chat_template.json": { chat_template: "file" } }))).template.render([])).toBe(
    "file",
  );
  expect(
    (await openModel(files({ "tokenizer_config.json": { ...own, chat_template: [null, { name: "other" }] } }))).template
      .name,
  ).toBe("hulu-med");
});

test("top_k 0 is off, and without do_sample nothing is sampled", async () => {
  const generation = async (json: unknown) => (await openModel(files({ "generation_config.json": json }))).generation;
  expect((await generation({ do_sample: true, top_k: 0, top_p: 1 })).topK).toBeUndefined();
  expect(await generation({ do_sample: true, top_k: 1 })).toMatchObject({ temperature: 1, topK: 1 });
  expect(await generation({ top_k: 5, top_p: 0.5, temperature: 2 })).toMatchObject({
    temperature: 0,
    topK: undefined,
    topP: undefined,
  });
  expect((await generation({ repetition_penalty: 1.05 })).repetitionPenalty).toBe(1.05);
  for (const bad of [
    { top_p: 1.5 },
    { top_p: 0 },
    { top_k: -1 },
    { top_k: 1.5 },
    { temperature: -1 },
    { repetition_penalty: 0 },
  ])
    await expect(generation(bad), JSON.stringify(bad)).rejects.toMatchObject({ code: "json-invalid" });
  expect((await generation({ do_sample: true, temperature: 0 })).temperature).toBe(0);
});

test("a missing norm or bias is reported as missing, whichever layer lacks it", async () => {
  for (const gone of ["model.layers.0.self_attn.q_norm.weight", "model.layers.2.self_attn.k_norm.weight"]) {
    const partial = await weights((name) => (name === gone ? undefined : name));
    await expect(openModel(files({ "model.safetensors": partial }))).rejects.toMatchObject({
      name: "WeightError",
      report: { missing: [gone], unexpected: [] },
    });
  }
  const none = await weights((name) => (/[qk]_norm/.test(name) ? undefined : name));
  await expect(openModel(files({ "model.safetensors": none }))).rejects.toMatchObject({
    name: "WeightError",
    report: { missing: { length: 6 } },
  });
});

test("a file as large as it may be is read, a larger one is not", async () => {
  const padded = (size: number) => {
    const file = new Uint8Array(size).fill(32);
    file.set(bytes(text("config.json")));
    return file;
  };
  const most = 4 * 1024 ** 2;
  expect((await openModel(files({ "config.json": padded(most) }))).layout).toBe("transformers");
  await expect(openModel(files({ "config.json": padded(most + 1) }))).rejects.toMatchObject({ code: "file-too-large" });
  const onDisk = await mkdtemp(join(tmpdir(), "hulu-"));
  for (const [name, data] of files()) await writeFile(join(onDisk, name), data);
  await writeFile(join(onDisk, "config.json"), padded(most));
  expect((await openModel(onDisk)).layout).toBe("transformers");
  await writeFile(join(onDisk, "config.json"), padded(most + 1));
  await expect(openModel(onDisk)).rejects.toMatchObject({ code: "file-too-large" });
  await rm(join(onDisk, "config.json"));
  await mkdir(join(onDisk, "config.json"));
  await expect(openModel(onDisk)).rejects.toMatchObject({ code: "file-missing" });
  await rm(onDisk, { recursive: true });
});

test("a larger model's tokenizer is refused", async () => {
  const tokenizer = JSON.parse(text("tokenizer.json"));
  tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: 600, content: "<far>" });
  await expect(openModel(files({ "tokenizer.json": tokenizer }))).rejects.toMatchObject({ code: "tokenizer-mismatch" });
});

test("a tokenizer of more tokens or merges than a model can have is refused before it is made", async () => {
  const tokenizer = JSON.parse(text("tokenizer.json"));
  const [merge] = tokenizer.model.merges;
  const { vocab } = tokenizer.model;
  const more = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`word ${i}`, 0]));
  for (const [changed, says] of [
    [{ ...tokenizer, model: { ...tokenizer.model, vocab: { ...vocab, ...more } } }, "1099 tokens, the model has 512"],
    [{ ...tokenizer, added_tokens: Array(513).fill(tokenizer.added_tokens[0]) }, "513 tokens, the model has 512"],
    [
      { ...tokenizer, model: { ...tokenizer.model, merges: Array(8193).fill(merge) } },
      "8193 merges, the model has 512",
    ],
  ])
    await expect(openModel(files({ "tokenizer.json": changed }))).rejects.toMatchObject({
      code: "tokenizer-mismatch",
      message: expect.stringContaining(says),
    });
});

test("a tokenizer without the chat's own tokens is refused", async () => {
  const tokenizer = JSON.parse(text("tokenizer.json"));
  tokenizer.added_tokens = tokenizer.added_tokens.filter((t: { content: string }) => t.content !== "<|im_start|>");
  await expect(openModel(files({ "tokenizer.json": tokenizer }))).rejects.toMatchObject({
    code: "tokenizer-mismatch",
    message: expect.stringContaining("<|im_start|>"),
  });
});

test("everything that is wrong with the weights is in one message", async () => {
  const wrong = await weights((name) => {
    if (name === "model.norm.weight") return undefined;
    if (name === "model.layers.0.mlp.up_proj.weight") return "model.layers.0.mlp.down_proj.weight";
    if (name === "model.layers.0.mlp.down_proj.weight") return "model.layers.0.mlp.up_proj.weight";
    return name === "model.layers.2.input_layernorm.weight" ? "model.layers.2.input_layernorm.gain" : name;
  });
  const message = await openModel(files({ "model.safetensors": wrong })).then(
    () => "",
    (error: Error) => `${error.name}: ${error.message}`,
  );
  expect(message).toMatchInlineSnapshot(`
    "WeightError: the checkpoint does not fit the model:
      missing (2):
        model.layers.2.input_layernorm.weight [embed=64]
        model.norm.weight [embed=64]
      mis-shaped (2):
        model.layers.0.mlp.up_proj.weight  checkpoint [64, 112], model [hidden=112 embed=64]
        model.layers.0.mlp.down_proj.weight  checkpoint [112, 64], model [embed=64 hidden=112]
      unexpected (1):
        model.layers.2.input_layernorm.gain [64]"
  `);
});

test("a folder on the disk is read like files by name", async () => {
  expect((await openModel(folder)).layout).toBe("transformers");
  const empty = await mkdtemp(join(tmpdir(), "hulu-"));
  await expect(openModel(empty)).rejects.toMatchObject({ code: "file-missing" });
  await rm(empty, { recursive: true });
});
