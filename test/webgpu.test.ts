import { readFileSync } from "node:fs";
import { webgpuBackend } from "@hulu/backend-webgpu";
import { type LocalModel, load, type Message } from "@hulu/engine";
import { open } from "@hulu/safetensors";
import { beforeAll, describe, expect, test } from "vitest";
import { counted, spied, testDevice } from "../packages/backend-webgpu/test/gpu.js";

// A model behind the engine, on a device whose buffers and submits are counted.

const folder = "test/data/goldens/q3-p16";
const END = 502;
const { conversation } = JSON.parse(readFileSync(`${folder}/case-text.json`, "utf8")) as { conversation: Message[] };
const picture: Message[] = [
  {
    role: "user",
    content: [
      {
        type: "image",
        image: { data: new Uint8Array(48 * 48 * 3).map((_, i) => (i * 7) % 256), width: 48, height: 48 },
      },
      { type: "text", text: "What is it?" },
    ],
  },
];

async function published(): Promise<number[]> {
  const ids = [...(await (await open(`${folder}/case-text.safetensors`)).floats("out.generated"))];
  return ids.includes(END) ? ids.slice(0, ids.indexOf(END) + 1) : ids;
}

describe("a model on a GPU", () => {
  let device: GPUDevice;
  let count: ReturnType<typeof counted>;
  let submits: unknown[][];
  let waits: unknown[][];
  beforeAll(async () => {
    device = await testDevice();
    count = counted(device);
    submits = spied(device.queue, "submit");
    waits = spied(device.queue, "onSubmittedWorkDone");
  });
  const loaded = (): Promise<LocalModel> => load(folder, { backend: webgpuBackend({ device }), worker: false });

  test("answers as the published code does; a token is one submit, and nothing is waited for but its logits", async () => {
    await using model = await loaded();
    const at: (readonly [number, number])[] = [];
    const answer = model.ask(conversation, { maxTokens: 12 });
    for await (const _ of answer) at.push([submits.length, waits.length]);
    const { tokenIds } = await answer.result();
    expect(tokenIds).toEqual(await published());
    // The first tokens still ask for the buffers that a single position takes.
    const decoding = at.slice(2);
    expect(decoding.length).toBeGreaterThan(6);
    const [[submitted, waited]] = decoding as [readonly [number, number]];
    expect(decoding).toEqual(decoding.map((_, i) => [submitted + i, waited]));
  });

  test("gives everything back, however often it is loaded, asked and disposed of", async () => {
    const backend = webgpuBackend({ device });
    const rounds = process.env.HULU_FUZZ === "many" ? 50 : 8;
    const peaks: number[] = [];
    for (let i = 0; i < rounds; i++) {
      count.peak = 0;
      const model = await load(folder, { backend, worker: false });
      await model.ask(i % 2 ? "Hi" : picture, { maxTokens: 2 }).result();
      await model.dispose();
      expect([count.live, count.buffers]).toEqual([0, 0]);
      peaks.push(count.peak);
    }
    // Neither does one take more than the one before.
    expect(new Set(peaks.slice(2)).size).toBe(2);
    expect(peaks.slice(-2)).toEqual(peaks.slice(0, 2));
  });
});

describe("a device that goes away in the middle of an answer", () => {
  // Twice SwiftShader compiles every kernel, on a busy machine for longer than a test may take.
  const timeout = 240_000;
  test("ends the answer with an error by name; the model can be loaded again", { timeout }, async () => {
    const device = await testDevice();
    const first = await load(folder, { backend: webgpuBackend({ device }), worker: false });
    const talk = first.converse();
    let told = 0;
    const lost = { name: "DeviceError", code: "lost", message: expect.stringContaining("load the model again") };
    await expect(
      (async () => {
        for await (const _ of talk.ask(conversation, { maxTokens: 12 })) if (++told === 3) device.destroy();
      })(),
    ).rejects.toMatchObject(lost);
    expect(told).toBe(3);
    expect(talk.messages).toEqual([]);
    await expect(first.ask("Hi", { maxTokens: 2 }).result()).rejects.toMatchObject(lost);
    await talk.dispose();
    await first.dispose();
    await using again = await load(folder, { backend: webgpuBackend({ device: await testDevice() }), worker: false });
    const { tokenIds } = await again.ask(conversation, { maxTokens: 4 }).result();
    expect(tokenIds).toEqual((await published()).slice(0, 4));
  });
});
