import { readFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { changed, leaves } from "../../test/goldens.js";
import { check } from "./check.js";
import { judged } from "./expect.js";
import { compareFacts, factsOf } from "./facts.js";
import { Golden } from "./golden.js";
import { attribute, KEYWORDS, storedDicom } from "./stored-dicom.js";
import { storedNifti } from "./stored-nifti.js";

const root = "test/data/samples";
const { files, series } = JSON.parse(await readFile(`${root}/goldens.json`, "utf8")) as {
  files: Record<string, any>;
  series: Record<string, any>;
};
const run = async (file: string, entry: any = files[file]) =>
  judged(file, entry.expect, await check({ root, file, list: "files", expect: entry.expect, entry }));

/** What nothing can be compared with: it says how a golden was made. */
const REMARKS =
  /^(kind|modality|how|note|jpeg_mode_draft|slices_of|reference_\w+|container|pix_fmt|time_base|has_b_frames|.*\.(note|order|tolerance|nonfinite|is_high_byte))$/;

const entries = Object.entries(files).filter(([, { expect }]) => expect !== "none");
const runSeries = async (file: string, entry: any = series[file]) =>
  judged(file, "decode_or_warn", await check({ root, file, list: "series", expect: "decode_or_warn", entry }));

describe("what is published holds", () => {
  test.each(entries.map(([file]) => file))("of %s", async (file) => {
    expect(await run(file)).toMatchObject({ row: { file, ok: true }, why: [] });
  });
  test.each(Object.keys(series))("of the series %s", async (file) => {
    const outcome = file.endsWith("gap") ? { outcome: "warned", code: "series-gap" } : { outcome: "decoded" };
    expect(await runSeries(file)).toMatchObject({ row: { file, ok: true, ...outcome }, why: [] });
  });
});

describe("any changed value of what is decoded turns the row red", () => {
  // One of each kind of file; every field of goldens.json is in one of them.
  const decoded = [
    "nasty/gray16.png",
    "nasty/rgb16.png",
    "nasty/rgba.png",
    "nasty/palette_trns.png",
    "nasty/adam7.png",
    "nasty/gray1bit.png",
    "nasty/exif6.jpg",
    "nasty/cmyk.jpg",
    "nasty/lossless.webp",
    "nasty/rgb.bmp",
    "nasty/animated.gif",
    "3d/nifti2_4d.nii.gz",
    "nasty/slope_nan.nii",
    "nasty/oblique.nii.gz",
    "nasty/rgb24.nii.gz",
    "nasty/trailing_garbage.nii.gz",
    "nasty/float_nan.nii.gz",
    "dicom/MR_small_RLE.dcm",
    "dicom/JPGExtended.dcm",
    "dicom/SC_rgb_jpeg_dcmtk.dcm",
    "dicom/SC_rgb_rle_16bit_2frame.dcm",
    "dicom/examples_palette.dcm",
    "nasty/no_preamble.dcm",
    "nasty/window_multi.dcm",
    "nasty/window_function.dcm",
  ];
  test.each(decoded)("of %s", async (file) => {
    await allRed(files[file], (entry) => run(file, entry));
  });
  // What its other fields are held to, other files show: each look at this one decodes ten frames.
  test("of frames", async () => {
    const name = "dicom/emri_small_jpeg_2k_lossless.dcm";
    const own = (path: readonly string[]) => ["NumberOfFrames", "stored", "frames_minmax8"].includes(path[0]!);
    await allRed(files[name], (entry) => run(name, entry), own);
  });
  test("of a series", async () => {
    await allRed(series["3d/ct_series_tiny"], (entry) => runSeries("3d/ct_series_tiny", entry));
  });
  test("of a clip", async () => {
    const { frames, ...clip } = files["video/us_cine_mjpeg.avi"];
    await allRed({ ...clip, frames: [frames[0], frames[1], frames.at(-1)] }, (entry) =>
      run("video/us_cine_mjpeg.avi", {
        ...entry,
        frames: [...entry.frames.slice(0, 2), ...frames.slice(2, -1), entry.frames[2]],
      }),
    );
  });

  async function allRed(
    entry: any,
    check: (entry: any) => ReturnType<typeof run>,
    of: (path: readonly string[]) => boolean = () => true,
  ): Promise<void> {
    const paths = [...leaves(entry)].filter((path) => of(path.map(String)) && compared(entry, path.join(".")));
    expect(paths.length).toBeGreaterThan(9);
    for (const path of paths) {
      // Beyond the tolerance of what decoders may make of it.
      const { row } = await check(changed(entry, path, entry.lossy_decode || entry.kind === "video" ? 40 : 1));
      expect({ path: path.join("."), ok: row.ok }).toEqual({ path: path.join("."), ok: false });
    }
  }

  /** Whether there is something to hold a value against. */
  function compared({ format, lossy_decode: lossy }: any, name: string): boolean {
    // A lossy picture is not held to its hash, and beside a sample there may be one of the same value.
    if ((format === "JPEG" || lossy) && /^(rgb|rgb_exif_transposed|native|stored|rescaled|\w+8)\.sha256$/.test(name))
      return false;
    if (/samples_xyrgb\.\d+\.[01]$/.test(name)) return false;
    // TIFF and BMP: the mode says how the golden is to be read; so does this, of a file that the decoder gives exactly.
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

test("of a file that is refused in the middle only the file itself is compared", async () => {
  const file = "nasty/j2k_corrupt.dcm";
  const entry = { ...files[file], Rows: 7 };
  expect(await run(file, entry)).toMatchObject({ row: { outcome: "rejected", ok: true } });
  expect(await run(file, { ...entry, bytes: 1 })).toMatchObject({ row: { outcome: "rejected", ok: false } });
});

test("times of a rate that varies, of a container that begins later", async () => {
  const at = (start: number) => [0, 40, 100, 180, 200, 300, 301, 500].map((ms) => ({ pts_s: start + ms / 1000 }));
  const bytes = await readFile("test/data/video/vfr.mp4");
  const entry = { kind: "video", expect: "decode", bytes: bytes.length, n_frames: 8 };
  const held = async (frames: readonly { pts_s: number }[]) =>
    judged(
      "vfr.mp4",
      "decode",
      await check({
        root: "test/data/video",
        file: "vfr.mp4",
        list: "files",
        expect: "decode",
        entry: { ...entry, frames },
      }),
    ).row.ok;
  expect(await held(at(0))).toBe(true);
  expect(await held(at(0.08))).toBe(true);
  for (const i of [0, 3, 7])
    expect(await held(at(0).map((f, j) => (i === j ? { pts_s: f.pts_s + 0.01 } : f)))).toBe(false);
});

test("what a gzip file unpacks to beyond its voxels is not held", async () => {
  const header = gunzipSync(await readFile(`${root}/nasty/uint8.nii.gz`));
  const most = 100_000;
  const padded = gzipSync(Buffer.concat([header, Buffer.alloc(64 * most)]));
  const { content, bytesAfterGzip } = await storedNifti(Buffer.concat([padded, Buffer.alloc(5)]), most);
  expect(Buffer.compare(content.subarray(0, header.length), header)).toBe(0);
  expect(content.length).toBeLessThan(2 * most);
  expect(bytesAfterGzip).toBe(5);
});

test("attributes of a file whose data set leaves out the representations", () => {
  const element = (tag: readonly [number, number], value: string) =>
    Buffer.concat([
      Buffer.from(Uint16Array.from(tag).buffer),
      Buffer.from(Uint32Array.of(value.length).buffer),
      Buffer.from(value),
    ]);
  const syntax = "1.2.840.10008.1.2.1\0";
  const meta = Buffer.concat([Buffer.from([2, 0, 0x10, 0, 0x55, 0x49, syntax.length, 0]), Buffer.from(syntax)]);
  const file = Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), meta, element([0x0008, 0x0060], "OT")]);
  expect(attribute(storedDicom(file), KEYWORDS.get("Modality")!)).toBe("OT");
});

test("means of six digits, and of all", () => {
  const facts = factsOf([3], [Uint8Array.of(1, 0, 0)]);
  const held = (mean: number) => {
    const golden = new Golden({ mean });
    compareFacts(golden, facts);
    return golden.finish().length === 0;
  };
  expect([1 / 3, 0.333333, 0.333334, 0.33333].map(held)).toEqual([true, true, false, false]);
});
