import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { tfjs } from "@hulu/backend-tfjs";
import {
  adapterWeights,
  type Backend,
  type Compiled,
  checkWeights,
  compile,
  composeText,
  composeVlm,
  type Executable,
  encodeItem,
  type Gemma3Config,
  gemma3,
  hostF32,
  hostI32,
  type LanguageModel,
  memoryWeights,
  modelFromCheckpoint,
  nn,
  parseGemma3Config,
  reportWeights,
  type Session,
  spliceVisual,
  textPrograms,
  vlmPrograms,
  type WeightSource,
} from "@hulu/core";
import { open } from "@hulu/safetensors";
import { feedIds, type GoldenCase, joined, type Nd, openGoldens, randomWeights } from "@hulu/testing";
import { describe, expect, test } from "vitest";

// Other backbones, by the numbers of other people's code: test/python/make_backbone_goldens.py ran transformers and PEFT.

const folder = "test/data/backbones";
const backends: readonly (readonly [string, Backend])[] = [
  ["reference", reference],
  ["onnx", onnx],
  ["tfjs", tfjs],
];
/** Logits reach 3.4, and torch's float32 sums go in another order: the reference is within 2.9e-6, ONNX Runtime 6.1e-6. */
const BOUND = 5e-5;

const goldens = async (name: string) => {
  const { config, weights, case: read } = await openGoldens(`${folder}/${name}`);
  const parsed = parseGemma3Config(config);
  return { config: parsed, weights, text: await read("case-text"), model: composeText({ decoder: gemma3(parsed) }) };
};

const farthest = (found: ArrayLike<number>, wanted: ArrayLike<number>) => {
  expect(found.length).toBe(wanted.length);
  return Array.from(found).reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i]!)), 0);
};

/** Run with a model's text programs, compiled. */
async function using<T>(
  backend: Backend,
  model: Pick<LanguageModel, "root" | "decoder">,
  weights: WeightSource,
  then: (executable: Executable) => Promise<T>,
): Promise<T> {
  using executable = await backend.compile(textPrograms(model), weights);
  return await then(executable);
}

/** Logits of all positions, the text fed in pieces of these lengths, the rest in one. */
async function logitsOf(executable: Executable, ids: readonly number[], pieces: readonly number[] = []): Promise<Nd> {
  using session = executable.createSession();
  const parts: Nd[] = [];
  for (let at = 0, i = 0; at < ids.length; i++) {
    const next = ids.slice(at, at + (pieces[i] ?? ids.length));
    parts.push(await feedIds(executable, hostI32(next, [1, next.length]), session));
    at += next.length;
  }
  return joined(parts);
}

describe.each(backends)("on %s", (_, backend) => {
  describe.each(["gemma3", "gemma2"])("%s as transformers runs it", (name) => {
    test("a prompt of several windows, then greedy tokens", async () => {
      const { model, weights, text } = await goldens(name);
      const ids = text.tensor("in.input_ids").ints();
      const steps = text.tensor("out.step_logits");
      await using(backend, model, weights, async (executable) => {
        using session: Session = executable.createSession();
        const prompt = await feedIds(executable, hostI32(ids, [1, ids.length]), session);
        expect(farthest(prompt.data, text.tensor("out.logits").data)).toBeLessThan(BOUND);
        const generated: number[] = [];
        let last = Array.from(prompt.data).slice(-41);
        for (let i = 0; i < steps.shape[0]!; i++) {
          generated.push(last.indexOf(Math.max(...last)));
          last = Array.from((await feedIds(executable, hostI32(generated.slice(-1), [1, 1]), session)).data);
          expect(farthest(last, steps.data.slice(i * 41, (i + 1) * 41))).toBeLessThan(BOUND);
        }
        expect(generated).toEqual(text.tensor("out.generated").ints());
      });
    });

    test("in pieces shorter and longer than a window, it is the same", async () => {
      const { model, weights, text } = await goldens(name);
      const ids = text.tensor("in.input_ids").ints();
      const wanted = text.tensor("out.logits").data;
      await using(backend, model, weights, async (executable) => {
        for (const pieces of [[1, 2, 7, 1, 1], [5, 5, 5], Array(23).fill(1)])
          expect(farthest((await logitsOf(executable, ids, pieces)).data, wanted)).toBeLessThan(BOUND);
      });
    });
  });

  test("a PEFT adapter over Gemma 3", async () => {
    const { model, weights, text } = await goldens("gemma3");
    const adapter = await open(`${folder}/gemma3/adapter/adapter_model.safetensors`);
    const options = text.about.adapter as nn.LoraOptions;
    const root = nn.replaceAll(model.root, /self_attn\.[qv]_proj$/, (old) => nn.lora(old, options));
    const tuned = { ...model, root };
    const both = adapterWeights(weights, adapter);
    checkWeights(root, both);
    const ids = text.tensor("in.input_ids").ints();
    const found = await using(backend, tuned, both, (executable) => logitsOf(executable, ids, [9]));
    expect(farthest(found.data, text.tensor("out.adapted_logits").data)).toBeLessThan(BOUND);
    expect(farthest(found.data, text.tensor("out.logits").data)).toBeGreaterThan(1);
    await adapter.close();
  });

  test("an adapter whose B is still 0 changes no bit of the logits", async () => {
    const { model, weights, text } = await goldens("gemma3");
    const root = nn.replaceAll(model.root, /self_attn\.[qkvo]_proj$/, (old) => nn.lora(old, { rank: 2, alpha: 5 }));
    const fresh = [...nn.paths(root)].flatMap(([path, { dims }]) => {
      const shape = dims.map((d) => d.size as number);
      const data = new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(path.endsWith("A.weight") ? 0.3 : 0);
      return path.includes("lora_") ? [[`base_model.model.${path}`, { shape, data }] as const] : [];
    });
    const ids = text.tensor("in.input_ids").ints();
    const plain = await using(backend, model, weights, (executable) => logitsOf(executable, ids, [20, 1]));
    const tuned = await using(
      backend,
      { ...model, root },
      adapterWeights(weights, memoryWeights(fresh)),
      (executable) => logitsOf(executable, ids, [20, 1]),
    );
    expect(tuned).toEqual(plain);
  });
});

describe("what tells the decoders apart tells in the logits", () => {
  const without = ({ softcap: _, finalSoftcap: __, ...c }: Gemma3Config): Gemma3Config => c;
  test.each<[string, string, (c: Gemma3Config) => Gemma3Config]>([
    ["gemma3", "a window one longer", (c) => ({ ...c, window: c.window + 1 })],
    ["gemma3", "a window one shorter", (c) => ({ ...c, window: c.window - 1 })],
    ["gemma3", "other global layers", (c) => ({ ...c, globalEvery: 3 })],
    ["gemma3", "positions of global layers as they are", (c) => ({ ...c, ropeFactor: 1 })],
    ["gemma3", "one theta for all layers", (c) => ({ ...c, localTheta: c.ropeTheta })],
    ["gemma3", "the usual scale of scores", (c) => ({ ...c, queryScalar: c.headDim })],
    ["gemma3", "embeddings as they are", (c) => ({ ...c, embedScale: 1 })],
    ["gemma2", "no softcaps", without],
    ["gemma2", "no softcap of scores", ({ finalSoftcap, ...c }) => ({ ...without(c), finalSoftcap: finalSoftcap! })],
    ["gemma2", "no softcap of logits", ({ softcap, ...c }) => ({ ...without(c), softcap: softcap! })],
    ["gemma2", "all layers global", (c) => ({ ...c, globalEvery: 1 })],
  ])("%s with %s", async (name, _, change) => {
    const { config, weights, text } = await goldens(name);
    const model = composeText({ decoder: gemma3(change(config)) });
    const ids = text.tensor("in.input_ids").ints();
    const found = await using(reference, model, weights, (executable) => logitsOf(executable, ids));
    expect(farthest(found.data, text.tensor("out.logits").data)).toBeGreaterThan(100 * BOUND);
  });
});

test("the checkpoints have exactly the weights that the definition names", async () => {
  for (const name of ["gemma3", "gemma2"]) {
    const { model, weights } = await goldens(name);
    expect(reportWeights(model.root, weights)).toEqual({ missing: [], unexpected: [], misshaped: [], unused: [] });
  }
});

describe("another decoder in a vision-language model", () => {
  const base = async () => {
    const { config, weights, case: read } = await openGoldens("test/data/goldens/q3-p16");
    const checkpoint = modelFromCheckpoint(config, weights);
    if (checkpoint.model.vision === undefined) throw new Error("the checkpoint sees");
    return { model: checkpoint.model, weights: checkpoint.weights, image: await read("case-image-array") };
  };
  /** The picture's rows, and the logits of the whole prompt behind it, fed in two pieces. */
  const look = async (compiled: Compiled<ReturnType<typeof vlmPrograms>>, image: GoldenCase) => {
    const grid = image.tensor("in.grid_sizes").ints() as [number, number, number];
    const item = { pixels: image.tensor("in.pixel_values").data, grid, merge: 1 };
    const { visual, keep } = await encodeItem(compiled, item);
    const ids = image.tensor("in.input_ids").ints();
    const { index } = spliceVisual(ids, 500, keep);
    const { embeds } = await compiled.run("embedVisual", {
      ids: hostI32(ids, [1, ids.length]),
      visual,
      index: hostI32(index, [1, ids.length]),
    });
    using session = compiled.createSession();
    const [, length, embed] = embeds.shape as [number, number, number];
    const rows = (await embeds.read()) as Float32Array;
    const logits: number[] = [];
    for (const [from, to] of [
      [0, 40],
      [40, length],
    ] as const) {
      const piece = hostF32(rows.slice(from * embed, to * embed), [1, to - from, embed]);
      const pick = hostI32(Array.from({ length: to - from }, (_, i) => i));
      logits.push(...(await (await compiled.run("step", { embeds: piece, pick }, { session })).logits.read()));
    }
    return { visual: await visual[0]!.read(), logits };
  };
  const width = (model: Awaited<ReturnType<typeof base>>["model"]) => model.decoder.width.size;

  test("has the old eyes and its own voice, on all backends alike", async () => {
    const { model, weights, image } = await base();
    const { config } = await goldens("gemma3");
    const swapped = composeVlm({ ...model, decoder: gemma3({ ...config, vocab: 512, embed: width(model) }) });
    const fresh = randomWeights(swapped.root, 5);
    const report = reportWeights(swapped.root, weights);
    expect(report.missing.every((path) => /^model\.(layers|norm|embed_tokens)\./.test(path))).toBe(true);
    expect(report.missing).toContain("model.layers.0.pre_feedforward_layernorm.weight");
    const of = (path: string) => (/vision_encoder|mm_projector/.test(path) ? weights : fresh);
    const mixed: WeightSource = {
      keys: () => nn.paths(swapped.root).keys(),
      info: (path) => of(path).info(path),
      read: (path, options) => of(path).read(path, options),
      floats: (path, options) => of(path).floats(path, options),
    };
    checkWeights(swapped.root, mixed);
    const results: { visual: ArrayLike<number>; logits: ArrayLike<number> }[] = [];
    for (const [, backend] of backends) {
      using compiled = await compile(backend, vlmPrograms(swapped), mixed);
      results.push(await look(compiled, image));
    }
    // The eyes are the checkpoint's: what its authors' code gave.
    for (const { visual } of results) expect(farthest(visual, image.tensor("out.projected").data)).toBeLessThan(5e-5);
    const [{ logits }, ...others] = results as [(typeof results)[0], ...typeof results];
    expect(logits.length).toBe(image.tensor("in.input_ids").ints().length * 512);
    expect(others).toHaveLength(backends.length - 1);
    // Logits reach 8 here, and what the encoder's floats differ by (9e-6) grows on its way through six random layers.
    for (const other of others) expect(farthest(other.logits, logits)).toBeLessThan(2e-4);
  });
});
