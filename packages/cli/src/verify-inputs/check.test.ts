import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { changed, leaves } from "../../test/goldens.js";
import { check } from "./check.js";
import { judged } from "./expect.js";

const root = "test/data/samples";
const { files } = JSON.parse(await readFile(`${root}/goldens.json`, "utf8")) as { files: Record<string, any> };
const run = async (file: string, entry: any = files[file]) =>
  judged(file, entry.expect, await check({ root, file, list: "files", expect: entry.expect, entry }));

/** What nothing can be compared with: it says how a golden was made. */
const REMARKS =
  /^(modality|how|note|jpeg_mode_draft|slices_of|reference_\w+|.*\.(note|order|tolerance|nonfinite|is_high_byte))$/;

const KINDS = ["image", "nifti"];
const entries = Object.entries(files).filter(([, { kind, expect }]) => KINDS.includes(kind) && expect !== "none");

describe("what is published holds", () => {
  test.each(entries.map(([file]) => file))("of %s", async (file) => {
    expect(await run(file)).toMatchObject({ row: { file, ok: true }, why: [] });
  });
});

describe("any changed value of what is decoded turns the row red", () => {
  const decoded = entries.filter(([, { expect, bytes }]) => expect === "decode" && bytes < 60_000);
  test.each(decoded.map(([file]) => file))("of %s", async (file) => {
    const paths = [...leaves(files[file])].filter((path) => compared(files[file], path.join(".")));
    expect(paths.length).toBeGreaterThan(12);
    for (const path of paths) {
      const { row } = await run(file, changed(files[file], path));
      expect({ path: path.join("."), ok: row.ok }).toEqual({ path: path.join("."), ok: false });
    }
  });

  function compared({ format }: any, name: string): boolean {
    // A lossy picture is not held to its hash, and beside a sample there may be one of the same value.
    if (format === "JPEG" && /^(rgb|rgb_exif_transposed|native)\.sha256$|samples_xyrgb\.\d+\.[01]$/.test(name))
      return false;
    // TIFF and BMP: the mode says how the golden is to be read.
    return !(REMARKS.test(name) || (name === "mode" && /TIFF|BMP/.test(format)));
  }
});

test("a field that nothing is known of is red, at any depth", async () => {
  for (const file of ["nasty/thin.png", "nasty/slope.nii.gz"]) {
    const entry = structuredClone(files[file]);
    (entry.rgb ?? entry.slices_8.axial.slices[2]).also = 1;
    expect((await run(file, entry)).why).toEqual([expect.stringMatching(/also: nothing is known of it$/)]);
  }
});

describe("what is expected", () => {
  const outcome = async (file: string, expectation: string) => {
    const { row, why } = await run(file, { ...files[file], expect: expectation });
    return { outcome: row.outcome, code: row.code, ok: row.ok, why };
  };
  test.each([
    ["nasty/thin.png", "decode", true],
    ["nasty/thin.png", "decode_or_reject", true],
    ["nasty/thin.png", "reject_or_decode", true],
    ["nasty/thin.png", "decode_or_warn", true],
    ["nasty/thin.png", "reject", false],
    ["nasty/thin.png", "reject_or_partial", false],
    ["nasty/thin.png", "reject_or_warn", false],
    ["nasty/thin.png", "decod", false],
    ["nasty/truncated.png", "decode", false],
    ["nasty/truncated.png", "decode_or_warn", false],
    ["nasty/truncated.png", "reject_or_partial", true],
    ["nasty/truncated.png", "reject_or_warn", true],
  ])("%s as %s", async (file, expectation, ok) => {
    expect(await outcome(file, expectation)).toMatchObject({ ok });
  });

  test("a rejection has the error's code, a decoded file none", async () => {
    expect(await outcome("nasty/truncated.png", "reject")).toEqual({
      outcome: "rejected",
      code: "image-corrupt",
      ok: true,
      why: [],
    });
    expect(await outcome("nasty/thin.png", "decode")).toEqual({
      outcome: "decoded",
      code: undefined,
      ok: true,
      why: [],
    });
  });

  test("a rejected file is still the file that was published", async () => {
    const entry = { ...files["nasty/truncated.png"], bytes: 1 };
    expect(await run("nasty/truncated.png", entry)).toMatchObject({
      row: { outcome: "rejected", code: "image-corrupt", ok: false },
    });
  });

  test("a file that is not there, or not in the folder, is red", async () => {
    const rows = ["nasty/nowhere.png", "../samples/nasty/thin.png", "/etc/hostname"].map((file) =>
      run(file, files["nasty/thin.png"]),
    );
    expect((await Promise.all(rows)).map(({ row }) => row)).toMatchObject([
      { ok: false, code: "unreadable" },
      { ok: false, code: "golden" },
      { ok: false, code: "golden" },
    ]);
  });

  test.each([[null], [[]], [{ kind: "smell", expect: "decode" }], [{ expect: "decode" }]])(
    "%j is red",
    async (entry) => {
      const checked = await check({ root, file: "nasty/thin.png", list: "files", expect: "decode", entry });
      expect(checked).toMatchObject({ outcome: "rejected", code: "golden", wrong: [expect.any(String)] });
    },
  );
});
