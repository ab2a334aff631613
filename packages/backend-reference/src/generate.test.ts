import {
  type Compiled,
  compile,
  encodeItem,
  type Grid,
  generate,
  hostI32,
  modelFromConfig,
  type Prompt,
  type PruneRule,
  pixelDistances,
  prefill,
  resultOnHost,
  type Tensor,
  toHost,
  tokensPerFrame,
  type VlmConfig,
  vlmPrograms,
} from "@hulu/core";
import { randomWeights } from "@hulu/testing";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { reference } from "./index.js";

const config: VlmConfig = {
  decoder: {
    family: "qwen3",
    vocab: 40,
    embed: 12,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 6,
    hidden: 20,
    ropeTheta: 1e4,
    eps: 1e-6,
    qkvBias: false,
    outBias: false,
    qkNorm: true,
    tied: true,
  },
  vision: {
    width: 16,
    layers: 1,
    heads: 2,
    hidden: 24,
    channels: 3,
    patch: 2,
    eps: 1e-6,
    ropeTheta: 1e4,
    pairing: "half",
  },
  projector: "mlp2x_gelu",
  imageToken: 39,
  eosTokens: [],
  tokenCompression: true,
  maxPositions: 64,
};
const model = modelFromConfig(config);
let compiled: Compiled<ReturnType<typeof vlmPrograms>>;
beforeAll(async () => {
  compiled = await compile(reference, vlmPrograms(model), randomWeights(model.root, 5), { max: { past: 64 } });
});

const visual = (rows: number): Tensor =>
  resultOnHost({
    dtype: "f32",
    shape: [rows, 12],
    data: Float32Array.from({ length: rows * 12 }, (_, i) => Math.sin(i * 1.7)),
  });

/** A prompt of text with two stretches of visual rows in it, which come in two parts. */
const prompt: Prompt = {
  ids: Int32Array.of(1, 39, 39, 2, 3, 39, 39, 39, 4, 5),
  visual: { parts: [visual(3), visual(2)], index: Int32Array.of(-1, 0, 1, -1, -1, 2, 3, 4, -1, -1) },
};
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));

describe("prefill", () => {
  test("in any chunks gives the logits of one shot", async () => {
    using whole = compiled.createSession();
    const expected = await prefill(compiled, whole, prompt);
    expect(expected).toHaveLength(40);
    expect(whole.length).toBe(10);
    for (let prefillChunk = 1; prefillChunk <= 10; prefillChunk++) {
      using session = compiled.createSession();
      expect(difference(await prefill(compiled, session, prompt, { prefillChunk }), expected)).toBeLessThan(1e-5);
      expect(session.length).toBe(10);
    }
  });

  test("feels every visual row", async () => {
    using whole = compiled.createSession();
    const expected = await prefill(compiled, whole, prompt);
    const swapped: Prompt = {
      ids: prompt.ids,
      visual: { ...prompt.visual!, index: Int32Array.of(-1, 1, 0, -1, -1, 2, 3, 4, -1, -1) },
    };
    using other = compiled.createSession();
    expect(difference(await prefill(compiled, other, swapped), expected)).toBeGreaterThan(1e-4);
  });

  test("puts each row where its index says, the first one too", async () => {
    using session = compiled.createSession();
    const rows = await toHost(prompt.visual!.parts);
    const shape = [1, prompt.ids.length];
    const fed = { ids: hostI32(prompt.ids, shape), visual: rows, index: hostI32(prompt.visual!.index, shape) };
    const { embeds } = await compiled.run("embedVisual", fed);
    const { logits } = await compiled.run("step", { embeds, pick: hostI32([9]) }, { session });
    using other = compiled.createSession();
    expect(difference(await prefill(compiled, other, prompt), await logits.read())).toBe(0);
    using text = compiled.createSession();
    const plain = await prefill(compiled, text, { ids: prompt.ids });
    const { embeds: words } = await compiled.run("embed", { ids: hostI32(prompt.ids, shape) });
    using again = compiled.createSession();
    const { logits: direct } = await compiled.run("step", { embeds: words, pick: hostI32([9]) }, { session: again });
    expect(difference(plain, await direct.read())).toBe(0);
  });

  test("runs what the session does not hold, and no more", async () => {
    using whole = compiled.createSession();
    const expected = await prefill(compiled, whole, prompt);
    for (let held = 0; held < 10; held++) {
      using session = compiled.createSession();
      await prefill(compiled, session, prompt);
      session.truncate(held);
      for (const prefillChunk of [1, 4, 64]) {
        session.truncate(held);
        const logits = await prefill(compiled, session, prompt, { held, prefillChunk });
        expect(difference(logits, expected), `${held} held`).toBeLessThan(1e-5);
        expect(session.length).toBe(10);
      }
    }
    using session = compiled.createSession();
    for (const held of [-1, 0.5, 10, Number.NaN])
      await expect(prefill(compiled, session, prompt, { held })).rejects.toThrow(`held is ${held}`);
  });

  test("refuses what is no prompt", async () => {
    using session = compiled.createSession();
    await expect(prefill(compiled, session, { ids: new Int32Array(0) })).rejects.toThrow("the prompt is empty");
    for (const prefillChunk of [0, 1.5, Number.NaN])
      await expect(prefill(compiled, session, prompt, { prefillChunk })).rejects.toThrow("prefillChunk");
    expect(session.length).toBe(0);
  });
});

describe("generation", () => {
  const run = async (options: Parameters<typeof generate>[3], session = compiled.createSession()) => {
    const ids: number[] = [];
    for await (const { id } of generate(compiled, session, prompt, options)) ids.push(id);
    return { ids, length: session.length };
  };

  test("gives what a prefill of everything so far would", async () => {
    const { ids, length } = await run({ maxTokens: 5 });
    expect(ids).toHaveLength(5);
    // The last token was chosen, not run.
    expect(length).toBe(14);
    for (let n = 0; n < 5; n++) {
      using session = compiled.createSession();
      const longer: Prompt = {
        ids: Int32Array.of(...prompt.ids, ...ids.slice(0, n)),
        visual: { ...prompt.visual!, index: Int32Array.of(...prompt.visual!.index, ...new Array<number>(n).fill(-1)) },
      };
      const logits = await prefill(compiled, session, longer);
      expect(logits.indexOf(Math.max(...logits))).toBe(ids[n]);
    }
  });

  test("ends at a stop token, which it gives", async () => {
    const { ids } = await run({ maxTokens: 5 });
    const stop = ids[2]!;
    expect((await run({ maxTokens: 5, stopTokens: [stop] })).ids).toEqual(ids.slice(0, ids.indexOf(stop) + 1));
    expect((await run({ maxTokens: 0 })).ids).toEqual([]);
    await expect(run({ maxTokens: -1 })).rejects.toThrow("maxTokens is -1");
    await expect(run({ maxTokens: 1.5 })).rejects.toThrow("maxTokens");
  });

  test("tells the hook every id so far", async () => {
    const seen: number[] = [];
    await run({ maxTokens: 3, processLogits: (_, { ids }) => void seen.push(ids.length) });
    expect(seen).toEqual([10, 11, 12]);
  });

  test("ends with the signal's reason, and leaves the session where it was", async () => {
    const control = new AbortController();
    using session = compiled.createSession();
    const steps = generate(compiled, session, prompt, { maxTokens: 9, signal: control.signal });
    await steps.next();
    control.abort(new Error("enough"));
    await expect(steps.next()).rejects.toThrow("enough");
    expect(session.length).toBe(10);
  });
});

describe("encoding an item", () => {
  const item = (grid: Grid, merge: number, seed = 1) => ({
    grid,
    merge,
    // Every second frame is nearly the one before it, so that rules have something to drop.
    pixels: Float32Array.from({ length: grid[0] * grid[1] * grid[2] * 12 }, (_, i) => {
      const frame = Math.floor(i / (grid[1] * grid[2] * 12));
      const within = i % (grid[1] * grid[2] * 12);
      return Math.sin(within * 0.9 + seed + Math.floor(frame / 2) * (within % 24 < 12 ? 2 : 0.01)) + (frame % 2) * 0.01;
    }),
  });
  const rows = async (visual: readonly Tensor[]) =>
    (await Promise.all(visual.map((v) => v.read()))).flatMap((v) => [...v]);

  test("in chunks of frames gives what one call gives, under every rule", async () => {
    const rule = fc.constantFrom<PruneRule>("released", "pixel", "pixel255", "embedding", "off");
    await fc.assert(
      fc.asyncProperty(
        rule,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(0.02, 0.1, 1, 3, 8),
        async (name, frames, chunk, threshold) => {
          const one = item([frames, 4, 2], 2);
          const prune = { rule: name, threshold };
          const whole = await encodeItem(compiled, one, { prune });
          const parts = await encodeItem(compiled, one, { prune, patchesAtOnce: chunk * 8 });
          expect([...parts.keep]).toEqual([...whole.keep]);
          expect(difference(await rows(parts.visual), await rows(whole.visual))).toBeLessThan(1e-6);
          expect((await rows(whole.visual)).length).toBe(whole.keep.filter(Boolean).length * 12);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("keeps the rows that the mask says, in order", async () => {
    const one = item([4, 4, 2], 2);
    const all = await rows((await encodeItem(compiled, one)).visual);
    const { visual, keep } = await encodeItem(compiled, one, { prune: { rule: "pixel", threshold: 0.1 } });
    const distances = pixelDistances(one.pixels, 4, tokensPerFrame(one.grid, 2));
    expect([...keep]).toEqual(
      Array.from(distances, (d, i) => Number(i < 2 || d > 0.1 || (i % 2 === 0 && !(distances[i + 1]! > 0.1)))),
    );
    expect(keep.filter(Boolean).length).toBeLessThan(keep.length);
    const expected = [...keep].flatMap((k, i) => (k ? all.slice(i * 12, (i + 1) * 12) : []));
    expect(difference(await rows(visual), expected)).toBeLessThan(1e-6);
  });

  test("shows the encoder's tokens before they are pruned", async () => {
    const shapes: (readonly number[])[] = [];
    await encodeItem(compiled, item([3, 4, 2], 2), {
      prune: { rule: "pixel" },
      patchesAtOnce: 16,
      onTokens: (t) => void shapes.push(t.shape),
    });
    expect(shapes).toEqual([
      [2, 2, 16],
      [1, 2, 16],
    ]);
  });

  test("refuses pixels that are not the grid's, and an aborted signal", async () => {
    await expect(encodeItem(compiled, { ...item([1, 2, 2], 1), pixels: new Float32Array(5) })).rejects.toThrow(
      "not a whole number for each of 4 patches",
    );
    await expect(encodeItem(compiled, { ...item([1, 2, 2], 1), pixels: new Float32Array(0) })).rejects.toThrow(
      expect.objectContaining({ name: "FeedError" }),
    );
    await expect(encodeItem(compiled, item([1, 2, 2], 3))).rejects.toThrow(
      expect.objectContaining({ name: "VisionError" }),
    );
    await expect(
      encodeItem(compiled, item([1, 2, 2], 1), { signal: AbortSignal.abort(new Error("no")) }),
    ).rejects.toThrow("no");
  });
});
