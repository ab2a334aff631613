import { afterAll, expect, test } from "vitest";
import { Dice } from "../dice.js";
import { FAULTS } from "./faulty.js";
import { formats } from "./formats.js";
import { minimise } from "./minimise.js";
import { mutant } from "./mutant.js";
import { Runner } from "./runner.js";

const runner = new Runner();
const impatient = new Runner(2);
afterAll(() => {
  runner.close();
  impatient.close();
});

test.each(FAULTS.map(([says], i) => [String(says), i] as const))(
  "a reader's fault is found: %s, number %i",
  async (_, i) => {
    const by = FAULTS[i]![0].test("hangs: no answer in 2 s") ? impatient : runner;
    const report = await by.run({ format: "faulty", files: [Uint8Array.of(i)] });
    expect(report).toMatchObject({ end: "escaped", what: expect.stringMatching(FAULTS[i]![0]) });
  },
  60_000,
);

test("a reader without fault is none", async () => {
  expect(await runner.run({ format: "faulty", files: [Uint8Array.of(254)] })).toMatchObject({ end: "read" });
});

test.each(formats)(
  "$name: its files are read before they are changed, but for those that are of a kind refused",
  async (format) => {
    const seeds = await format.seeds();
    const ends = await Promise.all(
      seeds.map((files) =>
        format.read(files).then(
          () => "read",
          (error: { code: string }) => error.code,
        ),
      ),
    );
    if (!format.unreadable) expect(ends.filter((end) => end !== "read" && !format.refuses?.includes(end))).toEqual([]);
    const read = ends.filter((end) => end === "read").length;
    if (format.unreadable) expect(read).toBe(0);
    else expect(read).toBeGreaterThan(seeds.length / 2);
  },
);

test.each(formats)("$name: the structure of each file is known", async (format) => {
  for (const files of await format.seeds())
    for (const file of files)
      if (file.length > 16)
        expect(format.layout(file).places.length + format.layout(file).pieces.length).toBeGreaterThan(3);
});

test.each(formats)(
  "$name: mending changes no whole file, and what is packed is found and packs again",
  async (format) => {
    for (const [file] of await format.seeds()) {
      expect(format.mend?.(file!) ?? file).toEqual(file);
      for (const { content, close } of format.inner?.(file!) ?? [])
        expect(await format.read([close(content)]).catch(({ code }) => code)).toBe(
          await format.read([file!]).catch(({ code }) => code),
        );
    }
  },
);

test.each(formats)("$name: a number gives the same input each time, another number another", async (format) => {
  const one = await mutant(format, 7);
  expect(await mutant(format, 7)).toEqual(one);
  const texts = await Promise.all(Array.from({ length: 30 }, async (_, i) => (await mutant(format, i)).steps.join()));
  expect(new Set(texts).size).toBeGreaterThan(25);
});

test("numbers in a row give dice of their own", () => {
  const firsts = Array.from({ length: 1000 }, (_, i) => new Dice(i).below(10));
  for (let face = 0; face < 10; face++) expect(firsts.filter((n) => n === face).length).toBeGreaterThan(60);
});

test("what is found is made small: other files go, then bytes that do not matter", async () => {
  const bad = Uint8Array.from({ length: 1000 }, (_, i) => (i === 700 ? 222 : i % 200));
  const fails = async (files: readonly Uint8Array[]) => files.some((file) => file.includes(222));
  const [small, ...others] = await minimise([new Uint8Array(9), bad, new Uint8Array(3)], fails);
  expect(others).toEqual([]);
  expect(small!.length).toBeLessThan(10);
  expect(small).toContain(222);
});
