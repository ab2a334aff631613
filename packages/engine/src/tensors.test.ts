import { reference } from "@hulu/backend-reference";
import type { Backend, Tensor } from "@hulu/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LocalModel, load, type Part } from "./index.js";

// On a device a tensor that nobody disposes of is memory that is never given back. On the host it makes no difference, so
// here they are counted.

let live = 0;
let made = 0;
let failing: string | undefined;

/** A tensor that is counted until it is disposed of, and read no longer; each shape of it by itself. */
function countedTensor(tensor: Tensor, name: string): Tensor {
  live++;
  made++;
  let there = true;
  const alive = () => {
    if (!there) throw new Error(`${name} was disposed of`);
    return tensor;
  };
  const dispose = () => {
    if (there) live--;
    there = false;
  };
  return {
    dtype: tensor.dtype,
    shape: tensor.shape,
    read: async () => {
      if (failing === name) throw new Error(`${name} cannot be read`);
      return alive().read();
    },
    reshape: (shape) => countedTensor(alive().reshape(shape), name),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

const counting: Backend = {
  ...reference,
  name: "counting",
  compile: async (...args) => {
    const executable = await reference.compile(...args);
    return {
      ...executable,
      run: async (...call) => {
        const tensors = await executable.run(...call);
        return Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, countedTensor(t, name)]));
      },
    };
  },
};

let model: LocalModel;
beforeAll(async () => {
  model = await load("test/data/goldens/q3-p16", { backend: counting, worker: false });
});
afterAll(() => model.dispose());

const frame = (seed: number) => ({
  data: Uint8Array.from({ length: 48 * 48 * 3 }, (_, i) => (i * 7 + (i > 3000 ? seed * 90 : 0)) % 256),
  width: 48,
  height: 48,
});
const picture: Part = { type: "image", image: frame(0) };
const clip: Part = { type: "video", frames: [0, 0, 1, 1, 2].map(frame) };
const about = (...parts: Part[]) => [
  { role: "user" as const, content: [...parts, { type: "text" as const, text: "?" }] },
];

describe("no tensor is left", () => {
  test.each([
    ["a text", about(), {}],
    ["a picture", about(picture), {}],
    ["a clip, pruned by its tokens", about(clip), { prune: "embedding" }],
    ["a clip, pruned by its pixels", about(clip), { prune: "pixel" }],
  ] as const)("behind an answer to %s", async (_, messages, options) => {
    made = 0;
    await model.ask(messages, { maxTokens: 3, ...options }).result();
    expect(made).toBeGreaterThan(3);
    expect(live).toBe(0);
  });

  test("behind an answer that is stopped", async () => {
    const stop = new AbortController();
    const answer = model.ask(about(picture), { maxTokens: 50, signal: stop.signal });
    await expect(
      (async () => {
        for await (const _ of answer) stop.abort();
      })(),
    ).rejects.toThrow();
    expect(live).toBe(0);
    for await (const _ of model.ask(about(picture), { maxTokens: 50 })) break;
    expect(live).toBe(0);
  });

  test.each(["logits", "distance", "tokens"])("behind an answer that fails when %s is read", async (name) => {
    failing = name;
    made = 0;
    await expect(model.ask(about(clip), { maxTokens: 3, prune: "embedding" }).result()).rejects.toThrow(
      `${name} cannot be read`,
    );
    failing = undefined;
    expect(made).toBeGreaterThan(0);
    expect(live).toBe(0);
  });

  test("behind a conversation, its forks and what was restored of it; until then, its pictures", async () => {
    const talk = model.converse();
    await talk.ask(about(picture), { maxTokens: 2 }).result();
    expect(live).toBe(1);
    const fork = await talk.fork();
    await fork.ask("More?", { maxTokens: 2 }).result();
    const restored = await model.restore(await fork.save());
    await restored.ask("More?", { maxTokens: 2 }).result();
    await talk.dispose();
    expect(live).toBe(1);
    await fork.ask(about(clip), { maxTokens: 2 }).result();
    await fork.truncate(1);
    await fork.dispose();
    await restored.dispose();
    expect(live).toBe(0);
  });

  test("behind encodeVision, also when it fails", async () => {
    await model.encodeVision(frame(1));
    failing = "tokens";
    await expect(model.encodeVision(frame(1))).rejects.toThrow("cannot be read");
    failing = undefined;
    expect(live).toBe(0);
  });
});
