import { afterAll, describe, expect, test } from "vitest";
import { mutant } from "./hostile/mutate.js";
import { Runner } from "./hostile/runner.js";

/** `HULU_SEED=17 npx vitest run test/hostile.test.ts` tries one seed again. */
const only = process.env.HULU_SEED;
const cases = only !== undefined ? 1 : process.env.HULU_FUZZ === "many" ? 20_000 : 2000;
const first = Number(only ?? 0);
const CHUNK = 500;

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
    300_000,
  );

  test("is answered now and then, so that what comes after loading is tried too", () => {
    if (only === undefined) expect((ends.get("answered") ?? 0) / cases).toBeGreaterThan(0.1);
    if (only === undefined) expect((ends.get("refused") ?? 0) / cases).toBeGreaterThan(0.3);
  });
});
