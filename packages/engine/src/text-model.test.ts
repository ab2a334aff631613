import { readFileSync } from "node:fs";
import { join } from "node:path";
import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { open } from "@hulu/safetensors";
import { beforeAll, describe, expect, test } from "vitest";
import { textOnly } from "../test/text-only.js";
import { EngineError, type LocalModel, load, type Message, openModel } from "./index.js";

const goldens = "test/data/goldens";
const variants = [
  ["q3-p16", "qwen3", "Qwen3ForCausalLM"],
  ["q2-p14", "qwen2", "Qwen2ForCausalLM"],
] as const;

describe.each([
  ["onnx", onnx],
  ["reference", reference],
])("on %s", (_, backend) => {
  test.each(variants)("%s without its eyes says the published tokens about a text", async (...variant) => {
    const model = await load(await textOnly(variant), { backend, worker: false });
    const folder = join(goldens, variant[0]);
    const { conversation } = JSON.parse(readFileSync(join(folder, "case-text.json"), "utf8"));
    const { tokenIds, visualTokens, promptTokens } = await model.ask(conversation, { maxTokens: 12 }).result();
    const golden = await open(join(folder, "case-text.safetensors"));
    const ids = [...(await golden.floats("out.generated"))];
    expect(tokenIds).toEqual(ids.slice(0, tokenIds.length));
    expect(tokenIds.length === 12 || tokenIds.at(-1) === 502).toBe(true);
    expect(promptTokens).toBe(golden.info("in.input_ids")!.shape.at(-1));
    expect(visualTokens).toEqual({ all: 0, kept: 0 });
    await model.dispose();
  });
});

describe("a language model", () => {
  let model: LocalModel;
  beforeAll(async () => {
    model = await load(await textOnly(variants[0]), { backend: reference, worker: false });
  });

  test("says that it is one", () => {
    expect(model.config).toMatchObject({ vision: undefined, decoder: { family: "qwen3" } });
    expect(model.definition.vision).toBeUndefined();
  });

  const image = { data: new Uint8Array(3 * 32 * 32), width: 32, height: 32 };
  const refused = new EngineError(
    "no-vision",
    "this model is a language model: it takes text, and no pictures, videos or volumes",
  );
  test.each([
    { type: "image", image } as const,
    { type: "video", frames: [image] } as const,
    { type: "volume", volume: new Uint8Array(1) } as const,
  ])("refuses a part of type $type at once", (part) => {
    expect(() => model.ask([{ role: "user", content: [{ type: "text", text: "What?" }, part] }])).toThrow(refused);
  });
  test("refuses to encode a picture", async () => {
    await expect(model.encodeVision(image)).rejects.toThrow(refused);
  });

  test("has no placeholder: a text that spells one is text", async () => {
    const { promptTokens } = await model.ask("<image>", { maxTokens: 1 }).result();
    const { promptTokens: fewer } = await model.ask("i", { maxTokens: 1 }).result();
    expect(promptTokens).toBeGreaterThan(fewer);
  });
});

const template = "{{ bos_token }}{% for m in messages %}{{ m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}";
const asked: Message[] = [
  {
    role: "user",
    content: [
      { type: "text", text: "one" },
      { type: "text", text: " two" },
    ],
  },
];

test("a template gets texts as strings, and the special tokens by name", async () => {
  const special = { bos_token: { content: "<|im_start|>", special: true }, eos_token: "<|im_end|>", pad_token: null };
  const config = { ...JSON.parse(readFileSync(join(goldens, "q3-p16", "tokenizer_config.json"), "utf8")), ...special };
  const files = await textOnly(variants[0], {
    "tokenizer_config.json": JSON.stringify(config),
    "chat_template.jinja": template,
  });
  const { tokenizer, templateVariables } = await openModel(files);
  expect(templateVariables).toMatchObject({ bos_token: "<|im_start|>", eos_token: "<|im_end|>" });
  expect(templateVariables).not.toHaveProperty("pad_token");
  const model = await load(files, { backend: reference, worker: false });
  const expected = (end: string) => tokenizer.encode(`<|im_start|>user: one two${end}`, { allowSpecial: true }).length;
  const count = async (options: object) => (await model.ask(asked, { maxTokens: 1, ...options }).result()).promptTokens;
  expect(await count({})).toBe(expected("<|im_end|>"));
  expect(await count({ templateVariables: { eos_token: " and the end" } })).toBe(expected(" and the end"));
});
