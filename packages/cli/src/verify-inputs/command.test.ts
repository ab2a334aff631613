import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changed, type Path } from "../../test/goldens.js";
import { hulu } from "../../test/run.js";
import { parseOptions } from "../options.js";
import { check } from "./check.js";
import { verifyInputsBy } from "./command.js";
import type { Row } from "./expect.js";

const samples = "test/data/samples";
const goldens = JSON.parse(await readFile(`${samples}/goldens.json`, "utf8"));
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "hulu-inputs-"));
});
afterAll(() => rm(scratch, { recursive: true }));

const command = verifyInputsBy(() => ({ check, close: async () => {} }));
async function run(...args: string[]): Promise<{ code: number; out: string; notes: string }> {
  let [out, notes] = ["", ""];
  const code = await command.run(parseOptions(args, command.options), {
    out: (text) => void (out += text),
    note: (text) => void (notes += text),
    signal: new AbortController().signal,
    interactive: false,
  });
  return { code, out, notes };
}

const few = [
  "2d/microaneurysms.png",
  "nasty/cmyk.jpg",
  "nasty/slope.nii.gz",
  "nasty/rgb16.png",
  "nasty/zero.png",
  "nasty/pair.img",
];
/** A folder of a few samples, with what is published of them. */
async function folder(name: string, edit: (json: any) => any = (json) => json): Promise<string> {
  const root = join(scratch, name);
  for (const file of few) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await cp(join(samples, file), join(root, file));
  }
  const files = Object.fromEntries(few.map((file) => [file, goldens.files[file]]));
  await writeFile(join(root, "goldens.json"), JSON.stringify(edit({ about: goldens.about, files, series: {} })));
  return root;
}
const rows = (out: string): Row[] => JSON.parse(out).results;

test("one JSON object: a row of each file, none where nothing is expected", async () => {
  const { code, out, notes } = await run(await folder("json"), "--json");
  expect([code, notes]).toEqual([0, "5 as expected, 0 not\n"]);
  expect(rows(out)).toEqual([
    ...few.slice(0, 4).map((file) => ({ file, expect: "decode", outcome: "decoded", ok: true })),
    { file: "nasty/zero.png", expect: "reject", outcome: "rejected", code: "image-format", ok: true },
  ]);
});

test("without --json, a line of each row", async () => {
  const { out } = await run(await folder("table"));
  expect(out.split("\n")[0]).toMatch(/^ok +decoded +decode +2d\/microaneurysms\.png$/);
  expect(out.split("\n")[4]).toMatch(/^ok +rejected +image-format +reject +nasty\/zero\.png$/);
});

const changes: readonly Path[] = [
  ["2d/microaneurysms.png", "native", "sha256"],
  ["2d/microaneurysms.png", "bytes"],
  ["nasty/cmyk.jpg", "rgb", "mean_per_channel", 2],
  ["nasty/slope.nii.gz", "fdata", "mean"],
  ["nasty/slope.nii.gz", "slices_8", "coronal", "slices", 3, "mean"],
  ["nasty/rgb16.png", "native16", "max"],
];
test.each(changes)("one changed number turns exactly that row red: %s %s", async (...path) => {
  const root = await folder(path.join("-").replaceAll("/", "-"), (json) => changed(json, ["files", ...path]));
  const { code, out, notes } = await run(root, "--json");
  expect(code).toBe(1);
  expect(rows(out).filter(({ ok }) => !ok)).toEqual([
    { file: path[0], expect: "decode", outcome: "decoded", ok: false },
  ]);
  expect(notes.split("\n")[0]).toMatch(new RegExp(`^${path[0]}: .* published as `));
  expect(notes).toMatch(/\n4 as expected, 1 not\n$/);
});

test("a changed byte of a file turns its row red", async () => {
  const root = await folder("bytes");
  const file = join(root, "2d/microaneurysms.png");
  const bytes = await readFile(file);
  await writeFile(file, Buffer.concat([bytes, Buffer.of(0)]));
  expect(rows((await run(root, "--json")).out).filter(({ ok }) => !ok)).toHaveLength(1);
});

describe("2: nothing to read", () => {
  test("a folder that is empty, not there or not laid out so", async () => {
    const empty = await mkdtemp(join(scratch, "empty-"));
    const written = async (name: string, text: string) => {
      await mkdir(join(scratch, name), { recursive: true });
      await writeFile(join(scratch, name, "goldens.json"), text);
      return join(scratch, name);
    };
    const only = JSON.stringify({ files: { a: { kind: "other", expect: "none" } } });
    const roots = [
      empty,
      join(empty, "nowhere"),
      "package.json",
      await written("text", "{"),
      await written("list", "[]"),
      await written("files", '{"files":[]}'),
      await written("series", '{"files":{},"series":3}'),
      await written("none", only),
    ];
    for (const args of [...roots.map((root) => [root]), [], [samples, samples]]) {
      const ran = await hulu(["verify-inputs", ...args]);
      expect({ args, ...ran }).toMatchObject({ code: 2, out: "", notes: expect.stringMatching(/^hulu: UsageError: /) });
    }
  });
});
