import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepMask, pixelDistances, tokensPerFrame } from "@hulu/core";
import {
  DEFAULT_CONFIG,
  decodeImage,
  openInput,
  parsePreprocessorConfig,
  preprocess,
  type RgbImage,
  resizeBicubic,
} from "@hulu/processor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hulu } from "../test/run.js";

const samples = "test/data/samples";
const model = "test/data/goldens/q3-p16";
const series = `${samples}/3d/ct_series_tiny`;
const ct = `${samples}/nasty/window_multi.dcm`;
const clip = `${samples}/video/us_cine_mjpeg.avi`;
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "hulu-inspect-"));
});
afterAll(() => rm(scratch, { recursive: true }));

async function inspected(...args: string[]): Promise<any> {
  const { code, out } = await hulu(["inspect", ...args, "--json"]);
  expect(code).toBe(0);
  return JSON.parse(out);
}
const framesOf = async (...args: Parameters<typeof openInput>): Promise<RgbImage[]> => {
  const frames: RgbImage[] = [];
  for await (const frame of (await openInput(...args)).source.frames()) frames.push(frame);
  return frames;
};

describe("what an input is", () => {
  test("a DICOM picture: window, rescale, spacing", async () => {
    const { inputs } = await inspected(ct);
    expect(inputs).toEqual([
      expect.objectContaining({
        file: ct,
        format: "dicom",
        kind: "image",
        bytes: 39_246,
        width: 128,
        height: 128,
        frames: 1,
        modality: "CT",
        photometric: "MONOCHROME2",
        spacing: [0.661468, 0.661468],
        window: { from: { file: 0 }, center: 40, width: 400, function: "LINEAR" },
        rescale: { slope: 1, intercept: -1024 },
        warnings: [],
      }),
    ]);
  });

  test("a picture through each of several windows", async () => {
    const { inputs } = await inspected(ct, "--window", "lung", "--window", "min-max");
    expect(inputs.map(({ window }: any) => window.from)).toEqual(["lung", "min-max"]);
  });

  test("a series: slices, spacing, how it lies, a hash of its UID, and what is odd", async () => {
    const [{ series: hash, ...input }] = (await inspected(`${samples}/nasty/series_gap`)).inputs;
    expect(input).toMatchObject({
      format: "dicom-series",
      kind: "volume",
      frames: 3,
      axcodes: "LPS",
      spacing: [0.488281, 0.488281, 5],
    });
    expect(input.warnings.map(({ code }: any) => code)).toEqual(["series-gap"]);
    expect(hash).toMatch(/^[0-9a-f]{12}$/);
  });

  test("no UID of a file is shown, nor a name", async () => {
    const texts = [["--json"], []].map(async (args) => (await hulu(["inspect", series, ct, ...args])).out);
    for (const text of await Promise.all(texts)) {
      // Transfer syntaxes are of the standard, not of a patient.
      expect(text.replaceAll("1.2.840.10008.1.2.1", "")).not.toMatch(/\d+(\.\d+){5,}/);
      expect(text).not.toMatch(/\^/);
    }
  });

  test("a volume and a clip: which slices and frames, when", async () => {
    const scan = `${samples}/nasty/oblique.nii.gz`;
    const { inputs } = await inspected(
      scan,
      clip,
      "--slices",
      "4",
      "--axis",
      "coronal",
      "--fps",
      "2",
      "--reorient",
      "RAS",
    );
    expect(inputs[0]).toMatchObject({ format: "nifti", kind: "volume", axcodes: "RAS", indices: [0, 13, 26, 40] });
    expect(inputs[1]).toMatchObject({ format: "avi", kind: "video", frames: 10, fps: 10, indices: [0, 5] });
    expect(inputs[1].sent).toMatchObject({ frames: 2, timestamps: [0, 0.5] });
  });

  test("for a person: a field a line", async () => {
    const { out, notes } = await hulu(["inspect", series, "--slices", "3"]);
    expect(notes).toBe("");
    expect(out.split("\n").slice(0, 13)).toEqual([
      `ct_series_tiny (${series})`,
      "  format          dicom-series",
      "  size            16 x 16, 5 slices",
      "  modality        CT",
      "  stored as       MONOCHROME2, 16 bits, 1.2.840.10008.1.2.1",
      "  spacing         0.4883 x 0.4883 x 2.5 mm",
      "  axes run to     LPS",
      expect.stringMatching(/^ {2}series {10}[0-9a-f]{12} \(a hash\)$/),
      "  rescale         slope 1, intercept -1024",
      "  window          file 0: center 40, width 400, function LINEAR",
      "  shown as        a volume, 3 slices: 0, 2, 4",
      "  sent as         112 x 112 pixels, 8 x 8 patches",
      expect.stringMatching(
        /^ {2}tokens {10}48 \(16 a frame, of 2 x 2 patches each\), \d+ after pruning \(released\)$/,
      ),
    ]);
    expect(out).toContain("the defaults of Hulu-Med: patches of 14 pixels, 16 to 16384 tokens\n");
  });
});

describe("what is sent of it", () => {
  /** The whole of it by the processor, in memory at once. */
  async function wanted(frames: RgbImage[], merge: number, config = DEFAULT_CONFIG) {
    const [patches] = preprocess([{ frames, merge }], config);
    const tokens = tokensPerFrame(patches!.grid, merge);
    const mask = (rule: "released" | "pixel") =>
      keepMask(pixelDistances(patches!.pixels, patches!.grid[0], tokens), tokens, { rule }).reduce(
        (n, bit) => n + bit,
        0,
      );
    return { grid: patches!.grid, tokens: patches!.grid[0] * tokens, mask };
  }

  test("tokens before and after pruning, by the released rule or another", async () => {
    const { grid, tokens, mask } = await wanted(await framesOf(series), 2);
    const { inputs, tokens: sum, kept } = await inspected(series);
    expect(inputs[0].sent).toMatchObject({ grid, tokens, kept: mask("released"), pruning: { rule: "released" } });
    expect([sum, kept]).toEqual([tokens, mask("released")]);
    const pixel = (await inspected(series, "--pruning", "pixel")).inputs[0].sent;
    expect(pixel).toMatchObject({ tokens, kept: mask("pixel") });
    expect(mask("pixel")).not.toBe(mask("released"));
    expect((await inspected(series, "--pruning", "off")).inputs[0].sent).toMatchObject({ tokens, kept: tokens });
    const least = await inspected(series, "--pruning", "pixel", "--threshold", "1000", "--min-tokens", "2");
    expect(least.kept).toBe(tokens / 5 + 4 * 2);
  });

  test("by the rule of embeddings only the model can tell", async () => {
    const { inputs, kept } = await inspected(series, ct, "--pruning", "embedding");
    expect(inputs.map(({ sent }: any) => sent.kept === null)).toEqual([true, false]);
    expect(kept).toBeUndefined();
    const { out } = await hulu(["inspect", series, "--pruning", "embedding"]);
    expect(out).toContain("what the rule embedding leaves, the model decides");
  });

  test("by a checkpoint's own configuration", async () => {
    const config = parsePreprocessorConfig(JSON.parse(await readFile(`${model}/preprocessor_config.json`, "utf8")));
    const { grid, tokens } = await wanted(await framesOf(ct), 1, config);
    const { inputs, preprocessor } = await inspected(ct, "--model", model);
    expect(inputs[0].sent).toMatchObject({ grid, tokens, merge: 1 });
    expect(preprocessor.patchSize).toBe(config.patchSize);
    expect(config.patchSize).not.toBe(DEFAULT_CONFIG.patchSize);
  });

  test("of several inputs of one prompt, each in the size that it has beside the others", async () => {
    const { inputs } = await inspected(ct, clip);
    // A clip is there, so all is merged two by two.
    expect(inputs.map(({ sent }: any) => sent.merge)).toEqual([2, 2]);
    expect((await inspected(ct)).inputs[0].sent.merge).toBe(1);
  });
});

describe("--preview", () => {
  const sheetOf = async (...args: string[]) => {
    const file = join(scratch, "sheet.png");
    const { code, notes } = await hulu(["inspect", ...args, "--preview", file]);
    expect(code).toBe(0);
    return { sheet: await decodeImage(await readFile(file)), notes };
  };
  /** Where a line of pixels of a picture stands in another. */
  const holds = (sheet: RgbImage, { data, width }: RgbImage, row: number) =>
    Buffer.from(sheet.data).includes(Buffer.from(data.subarray(row * width * 3, (row + 1) * width * 3)));

  test("shows the very pixels that are sent", async () => {
    const { sent } = (await inspected(clip, "--pruning", "off")).inputs[0];
    const { sheet, notes } = await sheetOf(clip, "--pruning", "off");
    expect(notes).toBe(`${join(scratch, "sheet.png")}: the pixels as they are sent\n`);
    const frames = await framesOf(clip);
    for (const frame of frames) {
      const resized = resizeBicubic(frame, { width: sent.width, height: sent.height });
      for (let row = 0; row < sent.height; row += 7) expect(holds(sheet, resized, row)).toBe(true);
    }
  });

  test("marks what is pruned", async () => {
    const red = ({ data }: RgbImage) => {
      let count = 0;
      for (let i = 0; i < data.length; i += 3)
        count += Number(data[i] === 230 && data[i + 1] === 60 && data[i + 2] === 60);
      return count;
    };
    const { tokens, kept } = await inspected(series);
    // A token is a square of 28 pixels, with a stroke from corner to corner.
    expect(red((await sheetOf(series)).sheet)).toBe((tokens - kept) * 28);
    expect(red((await sheetOf(series, "--pruning", "off")).sheet)).toBe(0);
  });

  test("says how many of many frames are left out", async () => {
    const { notes } = await sheetOf(
      `${samples}/nasty/oblique.nii.gz`,
      "--slice-rule",
      "repository",
      "--slices",
      "2500",
    );
    expect(notes).toMatch(/: the pixels as they are sent; \d{3,4} frames are left out of the sheet\n$/);
  });

  test("never overwrites an input, nor leaves half a file", async () => {
    const own = await mkdtemp(join(scratch, "own-"));
    const picture = join(own, "in.png");
    await copyFile(`${samples}/nasty/thin.png`, picture);
    const { code, notes, out } = await hulu(["inspect", picture, "--preview", picture]);
    expect([code, out]).toEqual([2, ""]);
    expect(notes).toContain("is an input, and would be overwritten");
    expect(await readFile(picture)).toEqual(await readFile(`${samples}/nasty/thin.png`));
    expect(
      (await hulu(["inspect", picture, `${samples}/nasty/zero.png`, "--preview", join(own, "out.png")])).code,
    ).toBe(1);
    expect(await readdir(own)).toEqual(["in.png"]);
  });
});

describe("a wrong call of hulu inspect", () => {
  const scan = `${samples}/nasty/oblique.nii.gz`;
  test.each([
    [["nowhere.dcm"], 2, "nowhere.dcm cannot be read: there is no such file"],
    [["no/where"], 2, "no/where cannot be read: there is no such file"],
    [[`${samples}/nasty/text_named.png`], 1, "ProcessorError (input-format)"],
    [[`${samples}/nasty/truncated_pixels.dcm`], 1, "ProcessorError (dicom-"],
    [[scan, "--graph", "step"], 2, "--graph goes with a checkpoint, not with inputs"],
    [[scan, "--params"], 2, "--params goes with a checkpoint"],
    [[model, "--preview", "out.png"], 2, "--preview goes with inputs, and none is given"],
    [["--model", model, "--slices", "3"], 2, "--slices goes with inputs"],
    [[scan, model, "--model", model], 2, "one checkpoint is inspected, not 2"],
    [[scan, "--preview", "out.jpg"], 2, "out.jpg must end in .png"],
    [[scan, "--preview", "no/where/out.png"], 2, "no/where cannot be read"],
    [[scan, "--windw", "lung"], 2, "did you mean --window?"],
    [
      [`${samples}/3d/ct_series_tiny`, "--window", "lung", "--window", "bone"],
      2,
      "is seen through one --window, not 2",
    ],
  ])("%j", async (args, code, message) => {
    const ran = await hulu(["inspect", ...args]);
    expect([ran.code, ran.out, ran.notes]).toEqual([code, "", expect.stringContaining(message)]);
  });

  test("a checkpoint that stands among the inputs is the model that they are for", async () => {
    const { preprocessor } = await inspected(model, ct);
    expect(preprocessor.patchSize).toBe(16);
  });
});
