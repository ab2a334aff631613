import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases as hostile } from "./hostile/cases.js";
import { golden } from "./hostile/golden.js";
import { mutant } from "./hostile/mutate.js";
import { Runner } from "./hostile/runner.js";

/** `HULU_SEED=17 npx vitest run test/hostile.test.ts` tries one seed again. */
const only = process.env.HULU_SEED;
const cases = only !== undefined ? 1 : process.env.HULU_FUZZ === "many" ? 20_000 : 2000;
const first = Number(only ?? 0);
const CHUNK = 250;

describe(`a golden checkpoint with something changed, ${cases} times`, () => {
  const runner = new Runner(512);
  afterAll(() => runner.close());
  const ends = new Map<string, number>();

  const chunks = Array.from({ length: Math.ceil(cases / CHUNK) }, (_, i) => first + i * CHUNK);
  test.each(chunks)(
    "is answered or refused by name: seeds from %i",
    async (begin) => {
      const failed: string[] = [];
      for (let seed = begin; seed < Math.min(begin + CHUNK, first + cases); seed++) {
        const { end, error, seconds } = await runner.run({ seed });
        ends.set(end, (ends.get(end) ?? 0) + 1);
        const slow = seconds > 2;
        if (end === "escaped" || slow)
          failed.push(
            `HULU_SEED=${seed} (${mutant(seed).steps.join("; ")}): ${slow ? `${seconds} s; ` : ""}${error ?? end}`,
          );
        if (failed.length > 4) break;
      }
      expect(failed.join("\n\n")).toBe("");
    },
    1_800_000,
  );

  test("is answered now and then, so that what comes after loading is tried too", () => {
    if (only === undefined) expect((ends.get("answered") ?? 0) / cases).toBeGreaterThan(0.1);
    if (only === undefined) expect((ends.get("refused") ?? 0) / cases).toBeGreaterThan(0.3);
  });
});

describe("a folder of a stranger ends with a named error within 1 s and 200 MB", () => {
  const runner = new Runner(512);
  let root: string;
  const fill = async (folder: string) => {
    await mkdir(folder, { recursive: true });
    for (const [name, file] of golden()) await writeFile(join(folder, name), file);
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "hulu-"));
    await fill(join(root, "outside"));
    await runner.warm([{ folder: join(root, "outside") }, { folder: join(root, "outside") }]);
  });
  afterAll(async () => {
    runner.close();
    await rm(root, { recursive: true });
  });

  test.each(hostile.map(([name, change, error]) => ({ name, change, error })))("$name", async ({ change, error }) => {
    const folder = join(root, "here");
    await rm(folder, { recursive: true, force: true });
    await fill(folder);
    await change(folder);
    const report = await runner.run({ folder });
    if (error === "answered") expect(report).toMatchObject({ end: "answered" });
    else expect(report).toMatchObject({ end: "refused", error: expect.stringMatching(error) });
    expect(report.seconds).toBeLessThan(1);
    expect(report.megabytes).toBeLessThan(200);
  });
});
