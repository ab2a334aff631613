import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, test } from "vitest";
import { bytesOf, dataPath, sha256, synthImage } from "../../test/helpers.js";
import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import { openInput } from "./open.js";
import type { InputFiles, OpenOptions } from "./opened.js";

const sample = (name: string) => dataPath(`samples/${name}`);
const desk = mkdtempSync(join(tmpdir(), "hulu-open-"));
afterAll(() => rmSync(desk, { recursive: true }));

async function framesOf(input: InputFiles, options: OpenOptions = {}): Promise<RgbImage[]> {
  const { source } = await openInput(input, options);
  const frames: RgbImage[] = [];
  for await (const frame of source.frames()) frames.push(frame);
  expect(frames.length).toBe(source.count);
  expect(frames[0]).toMatchObject({ width: source.width, height: source.height });
  return frames;
}
const codeOf = (input: InputFiles, options: OpenOptions = {}) =>
  framesOf(input, options).then(
    () => "no error",
    (error: unknown) => {
      expect(error).toBeInstanceOf(ProcessorError);
      return (error as ProcessorError).code;
    },
  );

describe("what a file is, its bytes tell", () => {
  it.each([
    ["2d/retina.jpg", "jpeg", "image", 1],
    ["nasty/png_named.jpg", "png", "image", 1],
    ["nasty/lossless.webp", "webp", "image", 1],
    ["nasty/gray16.tif", "tiff", "image", 1],
    ["nasty/rgb.bmp", "bmp", "image", 1],
    ["nasty/animated.gif", "gif", "video", 4],
    ["dicom/CT_small.dcm", "dicom", "image", 1],
    ["nasty/no_preamble.dcm", "dicom", "image", 1],
    ["dicom/emri_small_jpeg_2k_lossless.dcm", "dicom", "video", 10],
    ["dicom/SC_rgb_rle_16bit_2frame.dcm", "dicom", "video", 2],
    ["video/us_cine_jpeg.dcm", "dicom", "video", 30],
    ["3d/anatomical_be.nii", "nifti", "volume", 25],
    ["nasty/not_gzipped.nii.gz", "nifti", "volume", 11],
    ["nasty/pair.hdr", "nifti", "volume", 11],
    ["3d/ct_series_tiny", "dicom-series", "volume", 5],
    ["nasty/series_mixed", "dicom-series", "volume", 5],
    ["video/us_cine_h264.mp4", "mp4", "video", 30],
    ["nasty/webm_named.mp4", "matroska", "video", 30],
  ] as const)("%s", async (name, format, kind, count) => {
    const opened = await openInput(sample(name));
    expect(opened.format).toBe(format);
    expect(opened.source).toMatchObject({ kind, count });
    const { width, height, frames } = await opened.facts();
    expect({ width, height }).toEqual({ width: opened.source.width, height: opened.source.height });
    expect(frames).toBeGreaterThanOrEqual(count);
  });

  it.each([
    ["nasty/zero.png", "input-format"],
    ["nasty/text_named.png", "input-format"],
    ["nasty/html_named.dcm", "input-format"],
    // Its preamble begins as a TIFF does.
    ["nasty/wrong_magic.dcm", "image-unsupported"],
    ["nasty/bad_sizeof_hdr.nii", "input-format"],
    ["nasty/rtplan.dcm", "dicom-pixels-missing"],
    ["nasty/truncated_pixels.dcm", "dicom-pixels-short"],
    ["nasty/truncated.png", "image-corrupt"],
    ["nasty/bomb.png", "image-too-large"],
    ["nasty/truncated.nii.gz", "nifti-gzip"],
    ["nasty/nothing-there", "input-file"],
  ])("%s is refused: %s", async (name, code) => {
    expect(await codeOf(sample(name))).toBe(code);
  });
});

test("bytes, a Blob and a path give the same pixels", async () => {
  const bytes = new Uint8Array(readFileSync(sample("dicom/CT_small.dcm")));
  const [path, held, blob] = await Promise.all(
    [sample("dicom/CT_small.dcm"), bytes, new Blob([bytes])].map(async (input) =>
      sha256((await framesOf(input))[0]!.data),
    ),
  );
  expect(held).toBe(path);
  expect(blob).toBe(path);
});

test("a file of several frames is shown as what is asked for", async () => {
  const gif = sample("nasty/animated.gif");
  const frames = await framesOf(gif);
  expect(await framesOf(gif, { as: "image" })).toEqual([frames[0]]);
  const cine = sample("dicom/emri_small_jpeg_2k_lossless.dcm");
  const clip = await openInput(cine, { maxFrames: 4 });
  expect(await clip.facts()).toMatchObject({ frames: 10, indices: [0, 3, 6, 9], modality: "MR" });
  expect(clip.source.timestamps).toBeUndefined();
  const timed = await openInput(sample("video/us_cine_jpeg.dcm"), { maxFrames: 4 });
  expect(await timed.facts()).toMatchObject({ frames: 30, indices: [0, 9, 19, 29], modality: "US" });
  expect(timed.source.timestamps?.[1]).toBeCloseTo(9 * 0.033333, 9);
  const [, second] = await framesOf(cine, { maxFrames: 4 });
  expect(await framesOf(cine, { as: "image", frame: 3 })).toEqual([second]);
});

describe("windows", () => {
  it("of a CT slice by name, by numbers, or by its own values", async () => {
    const file = sample("dicom/CT_small.dcm");
    const [lung] = await framesOf(file, { window: "lung" });
    expect(await framesOf(file, { window: { center: -600, width: 1500 } })).toEqual([lung]);
    expect(await (await openInput(file, { window: "lung" })).facts()).toMatchObject({
      window: { from: "lung", center: -600, width: 1500, function: "LINEAR" },
      rescale: { slope: 1, intercept: -1024 },
    });
    expect(await framesOf(file, { window: "min-max" })).not.toEqual([lung]);
  });
  it("of a series hold for all its slices", async () => {
    const folder = sample("3d/ct_series_tiny");
    const [lung, bone] = await Promise.all((["lung", "bone"] as const).map((window) => framesOf(folder, { window })));
    expect(lung).not.toEqual(bone);
    expect(await (await openInput(folder, { window: "lung" })).facts()).toMatchObject({
      axcodes: "LPS",
      window: { from: "lung" },
    });
  });
  it("of a NIfTI volume: by name or by numbers, and none of its own", async () => {
    const file = sample("3d/anatomical_be.nii");
    const soft = await framesOf(file, { window: "soft" });
    expect(await framesOf(file, { window: { center: 40, width: 400 } })).toEqual(soft);
    expect(await framesOf(file, { window: "min-max" })).toEqual(await framesOf(file));
    expect(await codeOf(file, { window: "file" })).toBe("volume-window");
  });
});

describe("several files", () => {
  it("are a series, whatever else lies there", async () => {
    const opened = await openInput(sample("nasty/series_mixed"));
    expect(opened.warnings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["series-duplicate", "series-not-dicom", "series-other"]),
    );
    expect(await framesOf(sample("nasty/series_mixed"))).toEqual(await framesOf(sample("3d/ct_series_tiny")));
    expect(await codeOf(sample("nasty/series_mixed"), { series: 9 })).toBe("input-format");
  });
  it("are a pair, in either order", async () => {
    const pair = await framesOf(sample("nasty/pair.hdr"));
    expect(await framesOf([bytesOf("samples/nasty/pair.img"), bytesOf("samples/nasty/pair.hdr")])).toEqual(pair);
    expect(await codeOf(bytesOf("samples/nasty/pair.hdr"))).toBe("nifti-pair");
  });
  it("are the frames of a clip, in the order of their names", async () => {
    const folder = join(desk, "frames");
    mkdirSync(folder);
    for (const [name, seed] of [
      ["b", 2],
      ["a", 1],
      ["c", 3],
    ] as const)
      writeFileSync(join(folder, `${name}.bmp`), bitmap(synthImage(4, 4, seed)));
    const frames = await framesOf(folder);
    expect(frames.map(({ data }) => data)).toEqual([1, 2, 3].map((seed) => synthImage(4, 4, seed).data));
    const { source } = await openInput(folder, { fps: 0.5 });
    expect(source).toMatchObject({ count: 1, timestamps: [1] });
  });
  it("of which one is read are that one, and of which more are read are refused", async () => {
    const text = new TextEncoder().encode("a note");
    expect(await framesOf([text, bytesOf("samples/nasty/one_pixel.png")])).toHaveLength(1);
    expect(await codeOf([bytesOf("samples/nasty/one_pixel.png"), bytesOf("samples/nasty/uint8.nii.gz")])).toBe(
      "input-format",
    );
    expect(await codeOf([])).toBe("input-format");
    mkdirSync(join(desk, "empty"));
    expect(await codeOf(join(desk, "empty"))).toBe("input-file");
  });
  it("are not more than the limit allows", async () => {
    expect(await codeOf(sample("3d/ct_series_tiny"), { limits: { maxFrames: 3 } })).toBe("input-too-large");
  });
});

/** A 24-bit bitmap of 4 x 4 pixels, rows from the bottom. */
function bitmap({ data }: RgbImage): Uint8Array {
  const file = new Uint8Array(54 + 48);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]);
  view.setUint32(2, file.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, 4, true);
  view.setInt32(22, 4, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < 4; y++)
    for (let x = 0; x < 4; x++)
      for (let c = 0; c < 3; c++) file[54 + ((3 - y) * 4 + x) * 3 + (2 - c)] = data[(y * 4 + x) * 3 + c]!;
  return file;
}
