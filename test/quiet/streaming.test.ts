import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../bundle.js";
import { makeCheckpoint, tiny } from "./random-checkpoint.js";

const WIDTH = 16;
/** An interpreter in JavaScript has to get through 80,000 patches. */
const shape = {
  decoder: { ...tiny.decoder, embed: WIDTH, layers: 1, heads: 2, kvHeads: 1, headDim: 8, hidden: 24 },
  vision: { ...tiny.vision, width: 16, layers: 1, heads: 2, hidden: 24 },
  dtype: "F32",
} as const;

/**
 * A fresh process that is asked about a clip of so many frames, each made when it is asked for: the most memory that was
 * resident until the decoder began, and until the answer was there.
 */
const asks = `
  import { readFileSync, writeFileSync } from "node:fs";
  import { onnxBackend } from "@hulu/backend-onnx";
  import { reference } from "@hulu/backend-reference";
  import { load } from "@hulu/engine";

  const [folder, name, asked] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4])];
  const { count, prune, still, converse, answered, side = 56 } = asked;
  const bytes = (field) =>
    1024 * Number(readFileSync("/proc/self/status", "utf8").split(field)[1].match(/[0-9]+/)[0]);
  const seen = { all: 0, kept: 0 };
  const watched = (backend) => ({
    ...backend,
    compile: async (...args) => {
      const executable = await backend.compile(...args);
      const run = async (program, ...rest) => {
        if (program.startsWith("embed")) {
          seen.encoded ??= bytes("VmHWM");
          if (!answered) throw new Error("encoded");
        }
        const results = await executable.run(program, ...rest);
        if (program === "encodeVision") seen.all += results.tokens.shape[0] * results.tokens.shape[1];
        if (program === "project") seen.kept += results.visual.shape[0];
        return results;
      };
      return { ...executable, run, createSession: (o) => executable.createSession(o), dispose: () => executable.dispose() };
    },
  });
  const frames = async function* () {
    for (let n = 0; n < count; n++) {
      const data = new Uint8Array(side * side * 3).fill(90);
      const at = still ? 0 : (n * 31) % (side * side - 100);
      for (let i = 0; i < 300; i++) data[at * 3 + i] = (i * 7) & 255;
      yield { data, width: side, height: side };
    }
  };
  const model = await load(folder, { backend: watched(name === "onnx" ? onnxBackend({ threads: 1 }) : reference), worker: false });
  writeFileSync("/proc/self/clear_refs", "5"); // VmHWM starts again from what is resident now.
  const video = { kind: "video", count, width: side, height: side, frames };
  const turn = [{ role: "user", content: [{ type: "video", video }, { type: "text", text: "?" }] }];
  const options = { prune, maxTokens: 1, temperature: 0 };
  const talk = converse ? model.converse() : model;
  await talk.ask(turn, options).result().catch((error) => {
    if (error.message !== "encoded") throw error;
  });
  console.log(JSON.stringify({ ...seen, peak: bytes("VmHWM") }));
  await model.dispose();
`;

interface Asked {
  readonly count: number;
  readonly prune: object;
  /** Whether all frames are one picture. */
  readonly still: boolean;
  /** Whether the decoder runs. An interpreter in float64 needs much memory for attention over a long prompt, and a minute. */
  readonly answered: boolean;
  /** Of a frame, in pixels; 56 unless given. */
  readonly side?: number;
  /** Whether the clip has to be known again, so that it is hashed first and decoded twice. */
  readonly converse?: boolean;
}
interface Measured {
  readonly all: number;
  readonly kept: number;
  readonly encoded: number;
  readonly peak: number;
}

const folder = mkdtempSync(join(tmpdir(), "hulu-streaming-"));
let script: string;
beforeAll(async () => {
  await makeCheckpoint(folder, shape);
  const file = join(folder, "preprocessor_config.json");
  // The clip's length must not decide the size of its frames: 4 tokens each.
  const sizes = { min_tokens: 1, max_tokens: 2 ** 20 };
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...sizes }));
  script = await bundle(asks);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function measured(backend: string, asked: Asked): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, folder, backend, JSON.stringify(asked)]);
  return JSON.parse(stdout) as Measured;
}

const MB = 1e6;
const FRAMES = 5000;

const rules = [{ rule: "released" }, { rule: "pixel" }, { rule: "embedding", threshold: 6 }];

describe.runIf(process.platform === "linux")("a clip of 5,000 frames", () => {
  const cases = ["onnx", "reference"].flatMap((backend) =>
    rules.flatMap((prune) => [true, false].map((still) => [backend, prune, still] as const)),
  );
  test.each(cases)("takes no more memory than one of 100: on %s, %j, still %s", async (backend, prune, still) => {
    const answered = backend === "onnx";
    const short = await measured(backend, { count: 100, prune, still, answered });
    const long = await measured(backend, { count: FRAMES, prune, still, answered });
    const keptBytes = (long.kept - short.kept) * WIDTH * 4;
    console.log(
      `${backend} ${prune.rule}, ${still ? "still" : "moving"}: ${long.kept} of ${long.all} kept, encoded ${((long.encoded - short.encoded) / MB).toFixed(1)} MB more, in the end ${((long.peak - short.peak) / MB).toFixed(1)}`,
    );
    expect(long.all).toBe(FRAMES * 4);
    expect(long.kept).toBeGreaterThanOrEqual(FRAMES);
    if (still) expect(long.kept).toBeLessThan(FRAMES + 4);
    expect(long.peak - short.peak).toBeLessThan(64 * MB + keptBytes);
  });

  test("is decoded twice rather than held where it must be known again", async () => {
    const asked = { prune: { rule: "pixel" }, still: false, converse: true, answered: true };
    const short = await measured("onnx", { count: 100, ...asked });
    const long = await measured("onnx", { count: FRAMES, ...asked });
    const keptBytes = (long.kept - short.kept) * WIDTH * 4;
    expect(long.peak - short.peak).toBeLessThan(64 * MB + keptBytes);
  });

  test("of 300 frames of 512 x 512, 236 MB of pixels, is not held", async () => {
    const asked = { prune: { rule: "released" }, still: true, answered: true, side: 512 };
    const short = await measured("onnx", { count: 10, ...asked });
    const long = await measured("onnx", { count: 300, ...asked });
    console.log(`300 large frames: ${((long.peak - short.peak) / MB).toFixed(1)} MB more than 10`);
    expect([long.all, long.kept]).toEqual([300 * 256, 300]);
    expect(long.peak - short.peak).toBeLessThan(64 * MB);
  });
});
