import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../bundle.js";
import { half, makeCheckpoint, type Shape, tiny, untied } from "./random-checkpoint.js";

interface Asked {
  readonly contextLength: number;
  /** The side of a square picture, in pixels; 0 for none. */
  readonly side: number;
  /** How many words of text; each is a few tokens. */
  readonly words: number;
}
interface Measured {
  readonly estimate: Readonly<Record<"weights" | "loading" | "session" | "work" | "fixed" | "peak", number>>;
  readonly loaded: number;
  readonly peak: number;
  readonly promptTokens: number;
}

/**
 * A fresh process: its resident memory before loading, and the most that it had until an answer was there. What is mapped
 * counts too, as it does for whoever limits a process.
 */
const measures = `
  import { readFileSync, writeFileSync } from "node:fs";
  import { onnxBackend } from "@hulu/backend-onnx";
  import { estimateMemory, load } from "@hulu/engine";

  // One thread: where cores are shared, two spend their time waiting for each other.
  const backend = onnxBackend({ threads: 1 });
  const [folder, asked] = [process.argv[2], JSON.parse(process.argv[3])];
  const { contextLength, side, words } = asked;
  const patches = Math.floor(side / 16) ** 2;
  const bytes = (field) =>
    1024 * Number(readFileSync("/proc/self/status", "utf8").split(field)[1].match(/[0-9]+/)[0]);
  const estimate = await estimateMemory(folder, { backend, contextLength, patches });
  const before = bytes("VmRSS");
  writeFileSync("/proc/self/clear_refs", "5"); // VmHWM starts again from what is resident now.
  const model = await load(folder, { backend, contextLength, patches, worker: false });
  const loaded = bytes("VmHWM") - before;
  const image = { data: new Uint8Array(side * side * 3).fill(100), width: side, height: side };
  const content = [...(side ? [{ type: "image", image }] : []), { type: "text", text: "word ".repeat(words) }];
  const { promptTokens } = await model.ask([{ role: "user", content }], { maxTokens: 4, temperature: 0 }).result();
  console.log(JSON.stringify({ estimate, loaded, peak: bytes("VmHWM") - before, promptTokens }));
  await model.dispose();
`;

const folders = join(".cache", `memory-${process.pid}`);
const made = new Map<string, string>();
/** Written once; the disk is asked for no more than it must have. */
async function checkpoint(shape: Omit<Shape, "dtype">, dtype: Shape["dtype"]): Promise<string> {
  const key = `${[half, untied, tiny].indexOf(shape)}-${dtype}`;
  const folder = made.get(key) ?? join(folders, key);
  if (!made.has(key)) await makeCheckpoint(folder, { ...shape, dtype });
  made.set(key, folder);
  return folder;
}
let script: string;
beforeAll(async () => {
  script = await bundle(measures);
});
afterAll(() => rm(folders, { recursive: true, force: true }));

async function measured(folder: string, asked: Asked): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, folder, JSON.stringify(asked)]);
  return JSON.parse(stdout) as Measured;
}
const MB = 1e6;
const tell = (what: string, { estimate, loaded, peak, promptTokens }: Measured): string => {
  const parts = Object.entries(estimate).flatMap(([name, n]) => (n > 1e5 ? [`${name} ${Math.round(n / MB)}`] : []));
  const told = `${what}, ${promptTokens} positions: loaded ${Math.round(loaded / MB)}, peak ${Math.round(peak / MB)}; foretold ${parts.join(", ")} MB; ${((estimate.peak / peak - 1) * 100).toFixed(1)}%`;
  console.log(told);
  return told;
};

describe.runIf(process.platform === "linux")("the memory that is foretold", () => {
  test.each([
    ["F32, tied, a picture, a long prompt", half, "F32", { contextLength: 2048, side: 704, words: 25 }],
    ["F32, tied, a short text", half, "F32", { contextLength: 256, side: 0, words: 75 }],
    ["BF16, tied, a long text", half, "BF16", { contextLength: 1280, side: 0, words: 410 }],
    ["BF16, untied, a picture", untied, "BF16", { contextLength: 1024, side: 496, words: 5 }],
  ] as const)("is within 10% of the peak of half a billion parameters: %s", async (what, shape, dtype, asked) => {
    const result = await measured(await checkpoint(shape, dtype), asked);
    const told = tell(what, result);
    // The prompt fills what it was foretold for.
    expect(result.promptTokens).toBeGreaterThan(asked.contextLength * 0.8);
    expect(result.estimate.peak / result.peak, told).toBeGreaterThan(0.9);
    expect(result.estimate.peak / result.peak, told).toBeLessThan(1.1);
    const { fixed, weights, loading } = result.estimate;
    expect((fixed + weights + loading) / result.loaded, told).toBeGreaterThan(0.9);
    expect((fixed + weights + loading) / result.loaded, told).toBeLessThan(1.1);
  });

  // The runtime's own cost is nearly all, and depends on the machine: its pages, its threads, the garbage of a start.
  test.each([[{ contextLength: 256, side: 0, words: 75 }], [{ contextLength: 512, side: 320, words: 25 }]])(
    "is not 20 MB away where there is nearly nothing to hold: %j",
    async (asked) => {
      const result = await measured(await checkpoint(tiny, "F32"), asked);
      const told = tell("tiny F32", result);
      expect(Math.abs(result.estimate.peak - result.peak), told).toBeLessThan(20 * MB);
    },
  );
});
