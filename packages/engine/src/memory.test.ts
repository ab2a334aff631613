import { readFileSync } from "node:fs";
import { join } from "node:path";
import { reference } from "@hulu/backend-reference";
import type { Backend } from "@hulu/core";
import { describe, expect, test } from "vitest";
import { EngineError } from "./error.js";
import { load } from "./load.js";
import { estimateMemory, formatBytes } from "./memory.js";

const folder = "test/data/goldens/q3-p16";
const names = [
  "config.json",
  "preprocessor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "model.safetensors",
];
const backend = reference;

/** A Blob that says which of its bytes were asked for. */
class Watched extends Blob {
  readonly ranges: (readonly [number, number])[] = [];
  override slice(start = 0, end = this.size, type?: string): Blob {
    this.ranges.push([start, end]);
    return super.slice(start, end, type);
  }
}

function watchedCheckpoint() {
  const bytes = new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
  const file = bytes.get("model.safetensors") as Uint8Array<ArrayBuffer>;
  const weights = new Watched([file]);
  const source = new Map<string, Uint8Array | Blob>([...bytes, ["model.safetensors", weights]]);
  return { source, weights, dataStart: 8 + new DataView(file.buffer).getUint32(0, true) };
}

const failure = async (options: { maxMemory: number; contextLength?: number; patches?: number }) => {
  const { source, weights, dataStart } = watchedCheckpoint();
  const error = await load(source, { backend, worker: false, ...options }).catch((e: unknown) => e);
  expect(Math.max(...weights.ranges.map(([, end]) => end))).toBeLessThanOrEqual(dataStart);
  expect(error).toBeInstanceOf(EngineError);
  expect(error).toMatchObject({ code: "memory-exceeded" });
  return (error as EngineError).message;
};

describe("an estimate", () => {
  test("reads the header of the weights and nothing behind it", async () => {
    const { source, weights, dataStart } = watchedCheckpoint();
    const memory = await estimateMemory(source, { backend, contextLength: 512, patches: 64 });
    expect(weights.ranges.length).toBeGreaterThan(0);
    expect(Math.max(...weights.ranges.map(([, end]) => end))).toBeLessThanOrEqual(dataStart);
    expect(memory).toMatchObject({ contextLength: 512, patches: 64 });
    // 447,960 parameters in float64; layers x (keys, values) x width x float32 at 512 positions.
    expect(memory.weights).toBe(447_960 * 8);
    expect(memory.session).toBe(3 * 2 * 64 * 4 * 512);
  });

  test("asks the backend for the worst run", async () => {
    const asked: unknown[] = [];
    const spy: Backend = {
      ...backend,
      estimate: (_, __, max) => {
        asked.push(max);
        return { weights: 0, loading: 0, session: 0, work: 0, fixed: 0, peak: 0 };
      },
    };
    const ask = async (contextLength?: number, patches?: number) => {
      await estimateMemory(folder, { backend: spy, contextLength, patches });
      return asked.at(-1);
    };
    const one = { batch: 1, pick: 1, frame: 1, window: 1 };
    // A chunk of a prompt has 1024 positions; small frames go together, up to 1024 patches.
    expect(await ask(8192, 100)).toEqual({ ...one, past: 8192, seq: 1024, token: 1024, row: 1024, kept: 1024 });
    expect(await ask(300, 100)).toEqual({ ...one, past: 300, seq: 300, token: 300, row: 300, kept: 300 });
    expect(await ask(8192, 0)).toEqual({ ...one, past: 8192, seq: 1024, token: 0, row: 0, kept: 0 });
    // The checkpoint's own limits: 32,768 positions, pictures of 16,384 patches.
    expect(await ask()).toEqual({ ...one, past: 32768, seq: 1024, token: 16384, row: 16384, kept: 16384 });
  });
});

describe("maxMemory", () => {
  test("refuses with the numbers and with what fits, before a weight is read", async () => {
    const options = { contextLength: 4096, patches: 16 };
    const at = async (contextLength: number) =>
      (await estimateMemory(folder, { backend, ...options, contextLength })).peak;
    const message = await failure({ ...options, maxMemory: (await at(1024)) + 1 });
    expect(message).toMatch(
      /^the model needs [\d.]+ [MG]B, the limit is [\d.]+ MB: 3.58 MB for the weights, [\d.]+ MB for 4096 positions, [\d.]+ [MG]B for the runs, 0 B for the runtime; a contextLength of 1024 fits$/,
    );
  });

  test("says so when no contextLength does", async () => {
    expect(await failure({ maxMemory: 1000, contextLength: 600 })).toMatch(
      /the limit is 1 kB: .*; no shorter contextLength fits$/,
    );
  });

  test("lets a model in that fits", async () => {
    const options = { backend, contextLength: 256, patches: 16 };
    const { peak } = await estimateMemory(folder, options);
    await using model = await load(folder, { ...options, worker: false, maxMemory: peak });
    expect(model.contextLength).toBe(256);
    await expect(load(folder, { ...options, worker: false, maxMemory: peak - 1 })).rejects.toThrow("the model needs");
  });

  test.each([0, -1, 1.5, Number.NaN, "8GB"])("%j is no size", async (maxMemory) => {
    await expect(load(folder, { backend, maxMemory: maxMemory as number })).rejects.toThrow(
      /load: maxMemory is .* it must be a whole number of at least 1/,
    );
  });
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1 kB"],
  [1_234_567, "1.23 MB"],
  [17_300_000_000, "17.3 GB"],
  [2e15, "2000 TB"],
])("%d bytes read %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
