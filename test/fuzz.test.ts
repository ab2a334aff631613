import { afterAll, describe, expect, test } from "vitest";
import type { Report } from "./fuzz/child.js";
import { findings, leave } from "./fuzz/findings.js";
import { formats } from "./fuzz/formats.js";
import { minimise } from "./fuzz/minimise.js";
import { mutant } from "./fuzz/mutant.js";
import { Runner } from "./fuzz/runner.js";

// `HULU_FORMAT=png HULU_SEED=17 npx vitest run test/fuzz.test.ts` tries one input again; scripts/fuzz.mjs sets the others.
const { HULU_FORMAT, HULU_SEED, HULU_INPUTS, HULU_JOBS = "2" } = process.env;
const tried = formats.filter(({ name }) => HULU_FORMAT === undefined || name === HULU_FORMAT);
if (tried.length === 0) throw new Error(`HULU_FORMAT is one of ${formats.map(({ name }) => name).join(", ")}`);
const first = Number(HULU_SEED ?? 0);
const inputs = Number(HULU_INPUTS ?? (HULU_SEED === undefined ? 2000 : tried.length));
const CHUNK = inputs > 20_000 ? 5000 : 500;
const runners = Array.from({ length: Number(HULU_JOBS) }, () => new Runner());
afterAll(() => {
  for (const runner of runners) runner.close();
});

/** What was found without its numbers: the same fault has many files. */
const kindOf = (report: Report) => report.what.split("\n").slice(0, 2).join(" ").replaceAll(/\d+/g, "0");

describe(`broken files: ${inputs} inputs of ${tried.length} formats`, () => {
  const counts = new Map(tried.map(({ name }) => [name, { read: 0, refused: 0, escaped: 0 }]));
  const known = new Set<string>();
  let slowest = { seconds: 0, which: "" };
  const most = { resident: 0, array: 0, wasm: 0 };

  function count(name: string, seed: number, report: Report): void {
    counts.get(name)![report.end]++;
    if (report.seconds > slowest.seconds) slowest = { seconds: report.seconds, which: `${name} ${seed}` };
    for (const kind of ["resident", "array", "wasm"] as const) most[kind] = Math.max(most[kind], report.memory[kind]);
  }

  /** In words, and left as a small file; undefined where the same was found before. */
  async function found(runner: Runner, name: string, seed: number, report: Report): Promise<string | undefined> {
    const kind = kindOf(report);
    if (known.has(`${name} ${kind}`)) return undefined;
    known.add(`${name} ${kind}`);
    const { files, steps } = await mutant(formats.find((format) => format.name === name)!, seed);
    const same = async (candidate: readonly Uint8Array[]) => {
      const again = await runner.run({ format: name, files: candidate });
      return again.end === "escaped" && kindOf(again) === kind;
    };
    const tries = /^(?:hangs|the process)/.test(kind) ? 15 : 150;
    leave(name, String(seed), (await same(files)) ? await minimise(files, same, tries) : files);
    return `HULU_FORMAT=${name} HULU_SEED=${seed} (${steps.join("; ")}): ${report.what}`;
  }

  const chunks = Array.from({ length: Math.ceil(inputs / CHUNK) }, (_, i) => i * CHUNK);
  test.each(chunks)(
    "are read or refused by name: from number %i",
    async (begin) => {
      const failed: string[] = [];
      const end = Math.min(begin + CHUNK, inputs);
      let next = begin;
      const work = async (runner: Runner) => {
        while (next < end) {
          const i = next++;
          const { name } = tried[i % tried.length]!;
          const report = await runner.run({ format: name, seed: first + i });
          count(name, first + i, report);
          const what = report.end === "escaped" ? await found(runner, name, first + i, report) : undefined;
          if (what !== undefined) failed.push(what);
        }
      };
      await Promise.all(runners.map(work));
      expect(failed.join("\n\n")).toBe("");
    },
    36_000_000,
  );

  test("are read now and then, and refused now and then, in every format", () => {
    const each = inputs / tried.length;
    const rows = [...counts].map(([name, n]) => `${name}: ${n.read} read, ${n.refused} refused, ${n.escaped} wrong`);
    const memory = Object.entries(most).map(([kind, megabytes]) => `${kind} ${Math.round(megabytes)}`);
    const slow = `the slowest took ${slowest.seconds.toFixed(2)} s of the processor (${slowest.which})`;
    console.log([`${inputs} inputs; ${slow}; most MB: ${memory.join(", ")}`, ...rows].join("\n"));
    if (each < 100) return;
    for (const [name, { read, refused }] of counts) {
      const unreadable = tried.find((format) => format.name === name)?.unreadable ?? false;
      expect(read / each, name)[unreadable ? "toBeLessThan" : "toBeGreaterThan"](0.01);
      // What is wrong with one file of a folder is a warning.
      expect(refused / each, name).toBeGreaterThan(0);
    }
  });
});

test(`what was found before is read or refused by name: ${findings().length} files`, async () => {
  for (const { format, name, files } of findings())
    expect({ name, ...(await runners[0]!.run({ format, files })) }).toMatchObject({
      end: expect.stringMatching(/^(?:read|refused)$/),
    });
});
