import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { onnx } from "@hulu/backend-onnx";
import { tfjs } from "@hulu/backend-tfjs";
import { type LocalModel, load, type Message, openModel } from "@hulu/engine";
import { encodePrompt } from "@hulu/processor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hulu } from "../../packages/cli/test/run.js";

// A real model of 135 million weights, made by test/python/make_smollm2.py; the numbers are transformers' own.

interface Golden {
  readonly messages: Message[];
  readonly rendered: string;
  readonly input_ids: number[];
  readonly generated_ids: number[];
  readonly generated_text: string;
  readonly top5: { readonly id: number; readonly logit: number }[];
  readonly min_margin: number;
}
const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const { checkpoints } = read("test/data/smollm2/goldens.json") as {
  checkpoints: Record<string, { model_safetensors_sha256: string; cases: Golden[] }>;
};
const folderOf = (dtype: string) => join(".cache/smollm2", dtype);

/**
 * How far logits of up to 32 may part between two orders of summing in float32, 30 layers deep; 3.1e-5 was measured on
 * onnx, 4.2e-5 on tfjs. Where the reference's best two are further apart than twice that, the token must be the same.
 */
const BOUND = 2e-4;

// Both are computed in float32: a bfloat16 number is one of float32.
const runs = [onnx, tfjs].flatMap((backend) =>
  Object.entries(checkpoints).map(([dtype, golden]) => ({ dtype, backend, name: backend.name, ...golden })),
);
describe.each(runs)("stored as $dtype, on $name", ({ dtype, backend, model_safetensors_sha256, cases }) => {
  const folder = folderOf(dtype);
  let model: LocalModel;
  beforeAll(async () => {
    model = await load(folder, { backend, worker: false });
  });
  afterAll(() => model?.dispose());

  test("the checkpoint is the one that the goldens are of", async () => {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(folder, "model.safetensors")), hash);
    expect(hash.digest("hex")).toBe(model_safetensors_sha256);
    expect(cases.length).toBeGreaterThanOrEqual(3);
  });

  test.each(cases)("$messages.0.content", async (golden) => {
    const { tokenizer, template, templateVariables: variables } = await openModel(folder);
    const prompt = encodePrompt(golden.messages as never, tokenizer, {
      template,
      variables,
      addGenerationPrompt: true,
    });
    expect(prompt.text).toBe(golden.rendered);
    expect(prompt.ids).toEqual(golden.input_ids);

    let first: Float32Array | undefined;
    const processLogits = (logits: Float32Array) => {
      first ??= logits.slice();
    };
    const told = await model.ask(golden.messages, { maxTokens: 48, temperature: 0, processLogits }).result();
    expect(told.promptTokens).toBe(golden.input_ids.length);
    for (const { id, logit } of golden.top5) expect(Math.abs(first![id]! - logit), `token ${id}`).toBeLessThan(BOUND);
    // No choice of the reference is closer than rounding may move it, so none may differ.
    expect(golden.min_margin).toBeGreaterThan(2 * BOUND);
    expect(told.tokenIds).toEqual(golden.generated_ids);
    expect(told.text).toBe(golden.generated_text);
  });
});

test("hulu ask says it in English, and hulu inspect what it is", async () => {
  const [golden] = checkpoints.bfloat16!.cases as [Golden];
  const folder = folderOf("bfloat16");
  const asked = await hulu(["ask", "--model", folder, "--max-tokens", "48", "--json", "What is pneumonia?"]);
  expect(asked.code).toBe(0);
  expect(JSON.parse(asked.out)).toMatchObject({
    text: golden.generated_text,
    tokenIds: golden.generated_ids,
    promptTokens: golden.input_ids.length,
  });
  const inspected = await hulu(["inspect", "--model", folder]);
  expect(inspected.out).toContain("vision            none\n");
  expect(inspected.out).toContain("parameters        134,515,008 in 272 tensors\n");
});

test("texts are cut as `tokenizers` cuts them", async () => {
  const { tokenizer } = await openModel(folderOf("float32"));
  const texts = read("test/data/smollm2/texts.json") as { text: string; ids: number[]; decoded: string }[];
  expect(texts.length).toBeGreaterThan(20);
  for (const { text, ids, decoded } of texts) {
    expect(tokenizer.encode(text, { allowSpecial: true }), text).toEqual(ids);
    expect(tokenizer.decode(ids), text).toBe(decoded);
  }
});
