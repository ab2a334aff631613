import { readFileSync } from "node:fs";
import { join } from "node:path";
import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import {
  type Backend,
  type Compiled,
  compile,
  composeText,
  composeVlm,
  decoder,
  encodeItem,
  generate,
  hostI32,
  mergeWeights,
  modelFromConfig,
  modelPrograms,
  nn,
  ops,
  parseConfig,
  projector,
  siglip,
  spliceVisual,
  type VlmPrograms,
  vlmFromCheckpoint,
  vlmPrograms,
  type WeightSource,
} from "@hulu/core";
import { load } from "@hulu/engine";
import { type MemoryTensor, serialize } from "@hulu/safetensors";
import { type GoldenCase, openGoldens, randomWeights } from "@hulu/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// Parts of others in one composition: transformers' SiglipVisionModel and LlamaForCausalLM, run by PyTorch in
// test/python/make_siglip_golden.py, with two pictures of 4 x 4 patches.

const folder = "test/data/backbones/siglip-llama";
const { config: json, weights: stored, case: read } = await openGoldens(folder);
const golden = await read("case-two-images");
const { config, model, weights } = vlmFromCheckpoint(json, stored);
const IMAGE = 500;
/** Two layers each in float32 whose numbers reach 5; 5e-6 was measured. */
const BOUND = 5e-5;

const farthest = (found: ArrayLike<number>, wanted: ArrayLike<number>) => {
  expect(found.length).toBe(wanted.length);
  return Array.from(found).reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i]!)), 0);
};
const pixels = golden.tensor("in.pixel_values").data;
const ids = Int32Array.from(golden.tensor("in.input_ids").ints());
const VOCAB = 512;

describe("from its config", () => {
  test("it is the same as from code", () => {
    if (!("side" in config.vision)) throw new Error("the encoder has a table");
    const { width, patch, side } = config.vision;
    expect([width, patch, side]).toEqual([24, 7, 4]);
    const vision = siglip({ width: 24, layers: 2, heads: 3, hidden: 40, channels: 3, patch: 7, side: 4, eps: 1e-5 });
    const made = composeVlm({
      vision,
      projector: projector("mlp2x_gelu", 24, 16),
      decoder: decoder({ ...config.decoder, embed: 16 }),
    });
    expect([...nn.paths(made.root).keys()]).toEqual([...nn.paths(model.root).keys()]);
    expect(config.decoder).toMatchObject({ family: "llama", qkvBias: true, outBias: true, tied: false, headDim: 16 });
  });

  test("the decoder's frequencies are transformers', to the last bit", () => {
    const { ropeTheta, ropeScaling } = config.decoder;
    const angles = ops.ropeAnglesOp.decompose!([ops.iota({ name: "at", size: 1 }, 1)], {
      theta: ropeTheta,
      to: { name: "rot", size: 8 },
      scaling: Object.values(ropeScaling!),
    });
    const frequencies = angles.inputs[1]!.inputs[0]!.attrs.values as readonly number[];
    expect(frequencies).toEqual([...golden.tensor("out.inv_freq").data]);
  });
});

describe.each<readonly [string, Backend]>([
  ["reference", reference],
  ["onnx", onnx],
])("on %s", (_, backend) => {
  let compiled: Compiled<VlmPrograms>;
  beforeAll(async () => {
    compiled = await compile(backend, vlmPrograms(model), weights, { max: { past: 512 } });
  });
  afterAll(() => compiled?.dispose());

  test("the encoder and the projector give transformers' numbers", async () => {
    const merged: number[] = [];
    const onTokens = async (tokens: { read(): Promise<ArrayLike<number>> }) => {
      merged.push(...Array.from(await tokens.read()));
    };
    const { visual, keep } = await encodeItem(compiled, { pixels, grid: [2, 4, 4], merge: 1 }, { onTokens });
    expect(keep).toEqual(new Uint8Array(32).fill(1));
    expect(farthest(merged, golden.tensor("out.merged").data)).toBeLessThan(BOUND);
    expect(farthest(await visual[0]!.read(), golden.tensor("out.projected").data)).toBeLessThan(BOUND);
    for (const part of visual) part.dispose();
  });

  test("patches that are merged are the mean of transformers' tokens", async () => {
    const size = 3 * 7 * 7;
    const order = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15];
    const blocks = Float32Array.from(order.flatMap((p) => [...pixels.subarray(p * size, (p + 1) * size)]));
    let merged: number[] = [];
    const onTokens = async (tokens: { read(): Promise<ArrayLike<number>> }) => {
      merged = Array.from(await tokens.read());
    };
    await encodeItem(compiled, { pixels: blocks, grid: [1, 4, 4], merge: 2 }, { onTokens });
    const tokens = golden.tensor("out.merged").data;
    const mean = Array.from({ length: 4 * 24 }, (_, i) => {
      const block = order.slice(4 * Math.floor(i / 24), 4 * Math.floor(i / 24) + 4);
      return block.reduce((sum, p, w) => sum + mergeWeights(2)[w]! * tokens[p * 24 + (i % 24)]!, 0);
    });
    expect(farthest(merged, mean)).toBeLessThan(BOUND);
  });

  test("two pictures and a text give transformers' logits", async () => {
    const { visual, keep } = await encodeItem(compiled, { pixels, grid: [2, 4, 4], merge: 1 });
    const spliced = spliceVisual(ids, IMAGE, keep);
    const shape = [1, spliced.ids.length];
    const { embeds } = await compiled.run("embedVisual", {
      ids: hostI32(spliced.ids, shape),
      visual,
      index: hostI32(spliced.index, shape),
    });
    using session = compiled.createSession();
    const last = Array.from({ length: 8 }, (_, i) => ids.length - 8 + i);
    const { logits } = await compiled.run("step", { embeds, pick: hostI32(last) }, { session });
    expect(farthest(await logits.read(), golden.tensor("out.logits").data)).toBeLessThan(BOUND);
  });

  test("the decoder alone, without its encoder, gives transformers' tokens and logits for a text", async () => {
    await textIsTransformers(backend, golden);
  });

  test.each([
    [5, 4],
    [4, 5],
    [8, 8],
  ])("a grid of %d x %d is outside the table of 4 x 4", async (rows, columns) => {
    const item = { pixels: new Float32Array(rows * columns * 147), grid: [1, rows, columns], merge: 1 } as const;
    await expect(encodeItem(compiled, item)).rejects.toMatchObject({
      name: "FeedError",
      message: expect.stringMatching(/the index 4 .*is outside side, which has 4 rows/),
    });
  });
});

async function textIsTransformers(backend: Backend, { tensor }: GoldenCase): Promise<void> {
  const alone = composeText({ decoder: decoder(config.decoder) });
  using compiled = await compile(backend, modelPrograms(alone), weights, { max: { past: 512 } });
  const text = ids.subarray(ids.length - 60);
  using session = compiled.createSession();
  const logits: number[] = [];
  const said: number[] = [];
  for await (const step of generate(compiled, session, { ids: text }, { maxTokens: 12 })) {
    said.push(step.id);
    if (said.length === 1) logits.push(...step.logits);
  }
  const wanted = tensor("out.text_logits").data;
  expect(farthest(logits, wanted.subarray(wanted.length - VOCAB))).toBeLessThan(BOUND);
  expect(said).toEqual(tensor("out.text_generated").ints());
}

/** A folder as the engine loads it, with the goldens' tokenizer. */
async function files(config: unknown, source: WeightSource, preprocessor: object): Promise<Map<string, Uint8Array>> {
  const tensors: MemoryTensor[] = [];
  for (const name of source.keys()) tensors.push({ name, ...source.info(name)!, data: await source.read(name) });
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const tokenizer = "test/data/goldens/tokenizer";
  return new Map([
    ["config.json", bytes(config)],
    ["preprocessor_config.json", bytes(preprocessor)],
    ["model.safetensors", serialize(tensors)],
    ...["tokenizer.json", "tokenizer_config.json"].map((n) => [n, readFileSync(join(tokenizer, n))] as const),
  ]);
}

const picture = (side: number) => ({
  data: Uint8Array.from({ length: 3 * side * side }, (_, i) => (i * 37) % 256),
  width: side,
  height: side,
});

async function answers(source: Map<string, Uint8Array>, side: number) {
  const told = [];
  for (const backend of [reference, onnx]) {
    await using loaded = await load(source, { backend, worker: false });
    const content = [{ type: "image", image: picture(side) } as const, { type: "text", text: "What?" } as const];
    const logits: number[] = [];
    const processLogits = (row: Float32Array) => {
      logits.push(...row);
    };
    const { tokenIds, visualTokens } = await loaded
      .ask([{ role: "user", content }], { maxTokens: 6, temperature: 0, processLogits })
      .result();
    told.push({ tokenIds, visualTokens, logits });
  }
  return told as [(typeof told)[0], (typeof told)[0]];
}

describe("loaded from a folder and asked about a picture", () => {
  test("SigLIP and Llama answer the same on both backends; a larger picture is refused", async () => {
    const source = await files(json, stored, { patch_size: 7, min_tokens: 16, max_tokens: 16 });
    const [a, b] = await answers(source, 28);
    expect(a.visualTokens).toEqual({ all: 16, kept: 16 });
    expect(b.tokenIds).toEqual(a.tokenIds);
    expect(farthest(a.logits, b.logits)).toBeLessThan(BOUND);
    const wide = await files(json, stored, { patch_size: 7, min_tokens: 25, max_tokens: 36 });
    await expect(answers(wide, 28)).rejects.toMatchObject({
      code: "content-invalid",
      message: expect.stringContaining("5 x 5 patches does not fit the encoder's table of 4 x 4 positions"),
    });
  });

  test("a Llama behind the rotary encoder answers the same on both backends", async () => {
    const vision = {
      hidden_size: 24,
      intermediate_size: 40,
      num_hidden_layers: 2,
      num_attention_heads: 3,
      patch_size: 7,
    };
    const mixed = { ...(json as object), vision_config: vision };
    const parsed = parseConfig(mixed, stored);
    const made = modelFromConfig(parsed);
    expect(parsed).toMatchObject({ vision: { pairing: "half" }, decoder: { family: "llama" } });
    const source = await files(mixed, randomWeights(made.root, 5), { patch_size: 7, min_tokens: 16, max_tokens: 36 });
    const [a, b] = await answers(source, 35);
    expect(a.visualTokens).toEqual({ all: 25, kept: 25 });
    expect(b.tokenIds).toEqual(a.tokenIds);
    expect(farthest(a.logits, b.logits)).toBeLessThan(BOUND);
  });
});
