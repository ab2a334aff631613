import { openAsBlob } from "node:fs";
import { Worker } from "node:worker_threads";
import { reference } from "@hulu/backend-reference";
import { type AskOptions, type HuluModel, type LocalModel, load, type Message, type Part } from "@hulu/engine";
import { type FrameSource, ProcessorError, type RgbImage, readNifti, volumeOf } from "@hulu/processor";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundle } from "../bundle.js";

const folder = "test/data/goldens/q3-p16";
const SERVES = `
  import { reference } from "@hulu/backend-reference";
  import { serve } from "@hulu/engine/worker";
  await serve({ backend: reference });
`;
let here: LocalModel;
let there: HuluModel;
let started: Worker;
let file: string;
const worker = () => {
  started = new Worker(file);
  return started;
};
beforeAll(async () => {
  file = await bundle(SERVES);
  here = await load(folder, { backend: reference, worker: false });
  there = await load(folder, { worker });
});
afterAll(async () => {
  await here.dispose();
  await there.dispose();
});

const frame = (seed: number): RgbImage => ({
  data: Uint8Array.from({ length: 48 * 48 * 3 }, (_, i) => (i * 7 + (i > 3000 ? seed * 90 : 0)) % 256),
  width: 48,
  height: 48,
});
const seeds = [0, 0, 1, 1, 2];

/** Frames made since the last test, and how often they were asked for and let go. */
let [made, begun, ended] = [0, 0, 0];
beforeEach(() => {
  [made, begun, ended] = [0, 0, 0];
});
/** All frames in one buffer, as a decoder may give them. */
const clip = (of: readonly number[] = seeds, more: Partial<FrameSource> = {}): FrameSource => ({
  ...{ kind: "video", count: of.length, width: 48, height: 48 },
  async *frames() {
    begun++;
    const shared = frame(0);
    try {
      for (const seed of of) {
        shared.data.set(frame(seed).data);
        made++;
        yield shared;
        shared.data.fill(0);
      }
    } finally {
      ended++;
    }
  },
  ...more,
});
const asked = (...parts: Part[]): Message[] => [{ role: "user", content: [...parts, { type: "text", text: "What?" }] }];
const short: AskOptions = { maxTokens: 3, prune: "pixel" };
const answer = async (model: HuluModel, ...parts: Part[]) => {
  const { timings: _, ...result } = await model.ask(asked(...parts), short).result();
  return result;
};
/** The same here and there. */
async function both(...parts: Part[]) {
  const remote = await answer(there, ...parts);
  expect(remote).toEqual(await answer(here, ...parts));
  return remote;
}
const failure = (...parts: Part[]) => answer(there, ...parts).catch((error: unknown) => error);
const until = async (happened: () => boolean) => {
  for (let i = 0; i < 200 && !happened(); i++) await new Promise((resume) => setTimeout(resume, 10));
  expect(happened()).toBe(true);
};

describe("frames that stay in this thread", () => {
  test("answer as they do without a worker, once and with their times", async () => {
    const timestamps = [0, 0.5, 1, 1.5, 2];
    const plain = await both({ type: "video", video: clip() });
    expect([begun, ended, made]).toEqual([2, 2, 10]);
    const timed = await both({ type: "video", video: clip(seeds, { timestamps }) });
    expect(timed.promptTokens).toBeGreaterThan(plain.promptTokens);
    await both({ type: "volume", volume: clip() });
  });

  test("as a volume that was read, or made of a function, or lies in memory", async () => {
    const { readFile } = await import("node:fs/promises");
    const read = await readNifti(await readFile("test/data/goldens/nifti/int16.nii.gz"));
    await both({ type: "volume", volume: read, axis: "coronal", numSlices: 3 });
    await both({ type: "volume", volume: volumeOf([20, 20, 3], (i) => i % 97), reorient: undefined });
    const data = Float32Array.from({ length: 24 * 24 * 3 }, (_, i) => (i % 97) * 20 - 1000);
    await both({ type: "volume", volume: { data, dims: [24, 24, 3] }, window: "lung" });
  });

  test("as an iterable and as a function that makes one", async () => {
    const iterable = async function* () {
      for (const seed of seeds) yield frame(seed);
    };
    const expected = await answer(here, { type: "video", video: clip() });
    expect(await answer(there, { type: "video", video: iterable(), count: 5 })).toEqual(expected);
    expect(await answer(there, { type: "video", video: iterable, count: 5 })).toEqual(expected);
    await both({ type: "video", video: iterable, count: 5, fps: 2 });
    const fleeting = there.converse({ messages: asked({ type: "video", video: iterable(), count: 5 }) });
    expect((await fleeting.ask([], short).result()).tokenIds).toEqual(expected.tokenIds);
    await expect(fleeting.ask("And?", { ...short, merge: 1 }).result()).rejects.toMatchObject({
      code: "visual-forgotten",
    });
  });

  test("are read again for a conversation, which finds out other ones", async () => {
    const now = [...seeds];
    await using talk = there.converse({ messages: asked({ type: "video", video: clip(now) }) });
    await talk.ask([], short).result();
    expect(begun).toBe(2);
    await talk.ask("And?", short).result();
    expect(begun).toBe(2);
    await talk.ask("So?", { ...short, merge: 1 }).result();
    expect([begun, ended]).toEqual([3, 3]);
    now[4] = 3;
    await expect(talk.ask("Then?", { ...short, merge: 3 }).result()).rejects.toMatchObject({ code: "content-changed" });
  });

  test("are made no more than a few ahead of the one that is used", async () => {
    const watched = new Worker(file);
    const post = watched.postMessage.bind(watched);
    let [sent, used, most] = [0, 0, 0];
    watched.postMessage = (message: { readonly is?: string }, transfer) => {
      if (message.is === "frame") most = Math.max(most, ++sent - used);
      post(message, transfer);
    };
    watched.on("message", ({ is }: { readonly is: string }) => {
      if (is === "more") used++;
    });
    await using model = await load(folder, { worker: () => watched });
    const video = clip(Array(40).fill(0));
    await model.ask(asked({ type: "video", video }), { ...short, maxTokens: 1 }).result();
    expect([sent, made]).toEqual([40, 40]);
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe("frames of this thread that do not come", () => {
  test("fail with the error of their source", async () => {
    const broken = (error: unknown) =>
      clip(seeds, {
        async *frames() {
          yield frame(0);
          throw error;
        },
      });
    const told = await failure({ type: "video", video: broken(new ProcessorError("video-corrupt", "it is cut off")) });
    expect(told).toBeInstanceOf(ProcessorError);
    expect(told).toMatchObject({ code: "video-corrupt", message: "it is cut off" });
    expect(await failure({ type: "video", video: broken(new RangeError("no more")) })).toEqual(
      new RangeError("no more"),
    );
    expect(await failure({ type: "video", video: clip(seeds, { count: 7 }) })).toMatchObject({
      code: "content-invalid",
    });
    expect(await failure({ type: "video", video: clip(seeds, { count: 3 }) })).toMatchObject({
      code: "content-invalid",
    });
    await until(() => ended === begun);
    // The worker goes on.
    await both({ type: "video", video: clip() });
  });

  test("are let go when the answer is aborted, with the signal's own reason", async () => {
    const control = new AbortController();
    const reason = new Error("enough");
    let aborted = false;
    const slow = clip(Array(50).fill(0), {
      async *frames({ signal } = {}) {
        begun++;
        try {
          signal?.addEventListener("abort", () => {
            aborted = true;
          });
          yield frame(0);
          control.abort(reason);
          await new Promise((resume) => signal?.addEventListener("abort", resume));
          signal?.throwIfAborted();
        } finally {
          ended++;
        }
      },
    });
    const stopped = there.ask(asked({ type: "video", video: slow }), { ...short, signal: control.signal });
    expect(await stopped.result().catch((error: unknown) => error)).toBe(reason);
    await until(() => aborted && ended === 1);
  });

  test("are let go when the worker is lost", async () => {
    const model = await load(folder, { worker });
    const lost = started;
    const slow = clip(Array(50).fill(0), {
      async *frames({ signal } = {}) {
        begun++;
        try {
          yield frame(0);
          void lost.terminate();
          await new Promise((resume) => signal?.addEventListener("abort", resume));
        } finally {
          ended++;
        }
      },
    });
    await expect(model.ask(asked({ type: "video", video: slow }), short).result()).rejects.toMatchObject({
      code: "worker-lost",
    });
    await until(() => ended === 1);
    await model.dispose();
  });
});

test("a Blob over a file of Node, which cannot be cloned, is read here", async () => {
  const ask = (model: HuluModel, content: readonly Part[]) =>
    model.ask([{ role: "user", content }], { maxTokens: 3 }).result();
  const blob = async (name: string) => openAsBlob(`test/data/samples/${name}`);
  const content: Part[] = [
    { type: "image", image: await blob("dicom/MR_small.dcm") },
    { type: "volume", volume: await blob("nasty/one_slice.nii.gz") },
    { type: "volume", volume: [await blob("nasty/pair.hdr"), await blob("nasty/pair.img")], numSlices: 2 },
    { type: "text", text: "What is it?" },
  ];
  expect((await ask(there, content)).tokenIds).toEqual((await ask(here, content)).tokenIds);
});
