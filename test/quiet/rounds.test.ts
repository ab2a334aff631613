import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundle } from "../bundle.js";

/**
 * Load, ask about a picture, dispose, in one process; what is resident, open and collected after each round. The garbage is
 * collected before one looks, so that what is left is held by somebody.
 */
const rounds = (backend: string) => `
  import { readdirSync, readFileSync } from "node:fs";
  import { ${backend} as backend } from "@hulu/backend-${backend}";
  import { load } from "@hulu/engine";

  const [folder, count] = [process.argv[2], Number(process.argv[3])];
  const image = { data: new Uint8Array(64 * 48 * 3).fill(90), width: 64, height: 48 };
  const content = [{ type: "image", image }, { type: "text", text: "What is it?" }];
  const rounds = [];
  for (let round = 0; round < count; round++) {
    const model = await load(folder, { backend, worker: false });
    const { tokenIds } = await model.ask([{ role: "user", content }], { maxTokens: 4, temperature: 0 }).result();
    await model.dispose();
    for (let i = 0; i < 3; i++) {
      await new Promise((resume) => setTimeout(resume, 0));
      gc();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const anonymous = 1024 * Number(readFileSync("/proc/self/status", "utf8").split("RssAnon:")[1].match(/[0-9]+/)[0]);
    const files = readdirSync("/proc/self/fd").length;
    const maps = readFileSync("/proc/self/maps", "utf8").split("model.safetensors").length - 1;
    rounds.push({ tokens: tokenIds.join(), anonymous, heapUsed, arrayBuffers, files, maps });
  }
  console.log(JSON.stringify(rounds));
`;

interface Round {
  readonly tokens: string;
  readonly anonymous: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  readonly files: number;
  readonly maps: number;
}
const MB = 1e6;
/** Arenas of the allocator and of threads fill in the first rounds, and are used again. */
const WARM = 25;

const run = async (backend: string, count: number, temporary: string): Promise<readonly Round[]> => {
  const script = await bundle(rounds(backend));
  const args = ["--expose-gc", script, "test/data/goldens/q3-p16", String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, TMPDIR: temporary } });
  return JSON.parse(stdout) as readonly Round[];
};
const median = (rounds: readonly Round[], of: keyof Omit<Round, "tokens">): number =>
  rounds.map((round) => round[of]).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] as number;

/**
 * The weights are 1.8 MB in float32, 3.6 MB in float64: if each round kept them, 27 MB or more would come together between
 * the rounds that are compared, which are 15 apart. Allocators do not give back every page, so a few MB come and go.
 */
test.runIf(process.platform === "linux").each(["onnx", "reference"])(
  "50 rounds of loading, asking and disposing leave nothing behind on %s",
  async (backend) => {
    const temporary = mkdtempSync(join(tmpdir(), "hulu-rounds-"));
    try {
      const all = await run(backend, 50, temporary);
      expect(new Set(all.map((round) => round.tokens)).size).toBe(1);
      const [early, late] = [all.slice(WARM, WARM + 10), all.slice(-10)];
      const grown = (of: keyof Omit<Round, "tokens">) => median(late, of) - median(early, of);
      console.log(
        `${backend}: ${["anonymous", "heapUsed", "arrayBuffers"].map((of) => `${of} ${(grown(of as "files") / MB).toFixed(2)} MB`).join(", ")}`,
      );
      expect(grown("anonymous")).toBeLessThan(4 * MB);
      expect(grown("heapUsed")).toBeLessThan(1 * MB);
      expect(grown("arrayBuffers")).toBeLessThan(0.1 * MB);
      expect(all.at(-1)!.files).toBe(all[WARM]!.files);
      expect(all.at(-1)!.maps).toBe(0);
      // Nor the log of ONNX Runtime's telemetry, which is off.
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      rmSync(temporary, { recursive: true });
    }
  },
);
