import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Elements, sliceFile } from "../../test/dicom-file.js";
import { codeOf } from "../../test/helpers.js";
import { readDicom } from "../dicom/image.js";
import { toByte, windowVoi } from "../dicom/voi.js";
import type { RgbImage } from "../image/rgb.js";
import { volumeFrames } from "../volume/slices.js";
import type { Volume } from "../volume/volume.js";
import { type DicomSeries, readSeries } from "./series.js";
import type { SeriesSliceOptions } from "./source.js";

type Vector = [number, number, number];
const cross = ([a, b, c]: Vector, [d, e, f]: Vector): Vector => [b * f - c * e, c * d - a * f, a * e - b * d];
const unit = (v: Vector): Vector => v.map((x) => x / Math.hypot(...v)) as Vector;
const plus = (a: Vector, b: Vector, by: number): Vector => a.map((x, i) => x + b[i]! * by) as Vector;

async function framesOf(series: DicomSeries, options: SeriesSliceOptions = {}): Promise<RgbImage[]> {
  const frames = [];
  for await (const frame of series.slices({ rule: "hf", ...options }).frames()) frames.push(frame);
  return frames;
}
const greyOf = ({ data }: RgbImage) => [...data.filter((_, i) => i % 3 === 0)];
const read = async (files: readonly Uint8Array[]) => {
  const [first] = await readSeries(files.map((file) => new Blob([file as Uint8Array<ArrayBuffer>])));
  return first!;
};
const ds = (values: readonly number[]) => values.map((v) => v.toFixed(12).slice(0, 16)).join("\\");

/** Slices of 3 x 2 pixels that lie anyhow, with random numbers, rescales and instance numbers, shuffled. */
const thousandths = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 1000);
const direction = fc.tuple(thousandths, thousandths, thousandths);
const millimetres = fc.integer({ min: 20, max: 900 }).map((n) => n / 100);
const scans = fc
  .record({
    row: direction,
    other: direction,
    origin: direction.map((v) => v.map((x) => x * 100) as Vector),
    spacing: fc.tuple(millimetres, millimetres),
    step: millimetres,
    slices: fc.array(
      fc.record({
        pixels: fc.array(fc.integer({ min: -2000, max: 3000 }), { minLength: 6, maxLength: 6 }),
        slope: fc.constantFrom(1, 0.5, 2.25),
        intercept: fc.constantFrom(0, -1024, 7.5),
        instance: fc.nat(1000),
        shuffle: fc.nat(),
      }),
      { minLength: 2, maxLength: 7 },
    ),
  })
  .filter(({ row, other }) => Math.hypot(...row) > 0.1 && Math.hypot(...cross(row, other)) > 0.1)
  .map(({ row, other, slices, ...rest }) => {
    const first = unit(row);
    const normal = unit(cross(first, other));
    const second = cross(normal, first);
    const all = slices.map((slice, k) => ({ ...slice, k, at: plus(rest.origin, normal, k * rest.step) }));
    const files = all
      .toSorted((a, b) => a.shuffle - b.shuffle)
      .map(({ k, at, pixels, slope, intercept, instance }) => ({
        k,
        bytes: sliceFile(
          { z: k, pixels },
          {
            "00200032": ["DS", ds(at)],
            "00200037": ["DS", ds([...first, ...second])],
            "00280030": ["DS", ds(rest.spacing)],
            "00281052": ["DS", String(intercept)],
            "00281053": ["DS", String(slope)],
            "00200013": ["IS", String(instance)],
          },
        ),
      }));
    return { ...rest, first, second, all, files };
  });

test("a scan that lies anyhow: order, place and value of each voxel", async () => {
  await fc.assert(
    fc.asyncProperty(scans, async ({ files, all, first, second, spacing }) => {
      const series = await read(files.map((file) => file.bytes));
      expect(series.files.map((i) => files[i]!.k)).toEqual(all.map(({ k }) => k));
      expect(series.warnings).toEqual([]);
      const volume = await series.volume();
      expect(volume.shape).toEqual([3, 2, all.length]);
      const values = volume.values();
      const { affine } = volume.geometry!;
      for (const { k, at, pixels, slope, intercept } of all)
        for (let row = 0; row < 2; row++)
          for (let column = 0; column < 3; column++) {
            expect(values[column + 3 * (row + 2 * k)]).toBe(pixels[row * 3 + column]! * slope + intercept);
            // PS3.3 C.7.6.2.1.1: the place of a pixel, here with x and y turned to RAS.
            const lps = plus(plus(at, first, spacing[1] * column), second, spacing[0] * row);
            const ras = affine.map((r) => r[0] * column + r[1] * row + r[2] * k + r[3]);
            [-lps[0], -lps[1], lps[2]].forEach((mm, i) => {
              expect(ras[i]).toBeCloseTo(mm, 6);
            });
          }
    }),
    { numRuns: 40 },
  );
});

const tags = (over: Record<string, readonly [string, string]>): Elements => over;
const voxels = (z: number) => [0, 100, 200, 300, 400, 500].map((v) => v + z);

describe("the window", () => {
  const windowed = (center: number, z: number) =>
    sliceFile({ z, pixels: voxels(z) }, tags({ "00281050": ["DS", String(center)], "00281051": ["DS", "400"] }));

  test("of the middle slice holds for all, as a file's own does for one", async () => {
    const files = [windowed(100, 0), windowed(250, 1), windowed(900, 2)];
    const series = await read(files);
    const source = series.slices({ rule: "hf" });
    expect(source.window).toEqual({ from: { file: 0 }, center: 250, width: 400, function: "LINEAR" });
    const frames = await framesOf(series);
    for (const [i, file] of files.entries()) {
      const { image } = await (await readDicom(file)).picture(0, { window: { center: 250, width: 400 } });
      expect(frames[i]).toEqual(image);
    }
  });

  test("may be a preset, one's own, the whole range, or each slice's", async () => {
    const series = await read([0, 1000].map((z) => sliceFile({ z, pixels: voxels(z) })));
    const [soft] = await framesOf(series, { window: "soft" });
    const voi = windowVoi(40, 400, "LINEAR");
    expect(greyOf(soft!)).toEqual(voxels(0).map((v) => toByte(voi(v))));
    // No window in the files: from 0 to 1500 over both slices.
    const range = voxels(0)
      .concat(voxels(1000))
      .map((v) => Math.floor((v / 1500) * 255 + 0.5));
    expect(series.slices().window).toBe("min-max");
    for (const window of ["file", "min-max", { center: 750, width: 1500, function: "LINEAR_EXACT" }] as const)
      expect((await framesOf(series, { window })).flatMap(greyOf)).toEqual(range);
    const own = [0, 51, 102, 153, 204, 255];
    expect((await framesOf(series, { window: "slice-min-max" })).map(greyOf)).toEqual([own, own]);
    expect(codeOf(() => series.slices({ window: "liver" as "lung" }))).toBe("dicom-window");
    expect(codeOf(() => series.slices({ window: { file: 0 } }))).toBe("dicom-window");
  });

  test("is turned about for MONOCHROME1", async () => {
    const over = tags({ "00280004": ["CS", "MONOCHROME1"] });
    const series = await read([0, 0.5].map((z) => sliceFile({ z, pixels: voxels(0) }, over)));
    const own = [255, 204, 153, 102, 51, 0];
    for (const window of ["slice-min-max", "min-max"] as const)
      expect((await framesOf(series, { window })).map(greyOf)).toEqual([own, own]);
  });

  const lut = (sequence: string, data: readonly number[]): Elements => ({
    [sequence]: ["SQ", [{ "00283002": ["US", [data.length, 0, 16]], "00283006": ["US", data] }]],
  });

  test("may be a VOI LUT, on acquired slices", async () => {
    const over = lut("00283010", [65535, 0, 32768]);
    const files = [0, 1].map((z) => sliceFile({ z, pixels: [0, 1, 2, 0, 1, 2] }, over));
    const series = await read(files);
    expect(series.slices().window).toEqual({ from: { lut: 0 } });
    const { image } = await (await readDicom(files[0]!)).picture(0);
    expect(await framesOf(series)).toEqual([image, image]);
    expect(greyOf((await framesOf(series, { view: "upstream" }))[0]!)).toEqual(
      [0, 3, 1, 4, 2, 5].map((i) => greyOf(image)[i]),
    );
    expect(series.slices({ axis: "coronal" }).window).toBe("min-max");
    expect(codeOf(() => series.slices({ axis: "coronal", window: { lut: 0 } }))).toBe("dicom-window");
  });

  test("sees what a modality LUT makes of the values", async () => {
    const over = lut("00283000", [5, 70, 9]);
    const series = await read([0, 1].map((z) => sliceFile({ z, pixels: [0, 1, 2, 0, 1, 2] }, over)));
    expect([...(await series.volume()).plane(2, 1).values]).toEqual([5, 5, 70, 70, 9, 9]);
    const [frame] = await framesOf(series, { window: { center: 9, width: 1 } });
    expect(greyOf(frame!)).toEqual([0, 255, 255, 0, 255, 255]);
  });
});

describe("colour slices", () => {
  const pixels = (z: number) => Uint8Array.from({ length: 18 }, (_, i) => i * 10 + z);
  const colour = (z: number) =>
    sliceFile(
      { z },
      {
        "00280002": ["US", [3]],
        "00280004": ["CS", "RGB"],
        "00280006": ["US", [0]],
        "00280100": ["US", [8]],
        "00280101": ["US", [8]],
        "00280102": ["US", [7]],
        "00280103": ["US", [0]],
        "7FE00010": ["OB", pixels(z)],
      },
    );
  test("are taken as they are", async () => {
    const series = await read([colour(0), colour(1)]);
    expect(series.slices().window).toBeUndefined();
    for (const window of ["file", "slice-min-max", { center: 1, width: 1 }] as const)
      expect((await framesOf(series, { window })).map(({ data }) => data)).toEqual([pixels(0), pixels(1)]);
    const volume = await series.volume();
    expect([volume.channels, ...volume.values()]).toEqual([3, ...pixels(0), ...pixels(1)]);
    const [coronal] = await framesOf(series, { axis: 1, view: "upstream" });
    expect([coronal!.width, coronal!.height]).toEqual([2, 3]);
    expect([...coronal!.data.subarray(0, 6)]).toEqual([0, 10, 20, 1, 11, 21]);
  });
});

describe("the view", () => {
  const even = (z: number) => [0, 20, 40, 60, 80, 100].map((v) => v + 2 * z);
  const scan = () => read([0, 1, 2, 3].map((z) => sliceFile({ z, pixels: even(z) })));
  /** A window that halves all values and clips none. */
  const window = { center: 255, width: 510, function: "LINEAR_EXACT" } as const;
  const expected = (volume: Volume, axis: 0 | 1 | 2, view: "upstream" | "radiological") => {
    // Drawn by the slices of volumes, which min-max by themselves: only their order is compared.
    const frames = volumeFrames(volume, { axis, view, rule: "hf" });
    return frames.map((frame) => [
      frame.width,
      frame.height,
      ...greyOf(frame).map((v, _, all) => all.filter((w) => w < v).length),
    ]);
  };
  const seen = (frames: RgbImage[]) =>
    frames.map((frame) => [
      frame.width,
      frame.height,
      ...greyOf(frame).map((v, _, all) => all.filter((w) => w < v).length),
    ]);

  test("upstream is the volume's; stored is the file's, or a viewer's", async () => {
    const series = await scan();
    const volume = await series.volume();
    for (const axis of [0, 1, 2] as const) {
      expect(seen(await framesOf(series, { axis, view: "upstream", window: "slice-min-max" }))).toEqual(
        expected(volume, axis, "upstream"),
      );
      const source = series.slices({ axis, rule: "hf" });
      const frames = await framesOf(series, { axis, window: "slice-min-max" });
      expect(frames.every(({ width, height }) => width === source.width && height === source.height)).toBe(true);
      expect(seen(frames)).toEqual(expected(volume, axis, "radiological"));
    }
    expect(greyOf((await framesOf(series, { window }))[3]!)).toEqual(even(3).map((v) => v / 2));
    expect(codeOf(() => series.slices({ view: "other" as "stored" }))).toBe("volume-geometry");
    expect(codeOf(() => series.slices({ axis: "frontal" as "axial" }))).toBe("volume-axis");
  });

  test("without positions has the slices as rows", async () => {
    const series = await read([0, 1].map((i) => sliceFile({ sop: `1.${i}`, pixels: even(i) })));
    const [coronal] = await framesOf(series, { axis: 1, window });
    expect([coronal!.width, coronal!.height]).toEqual([3, 2]);
    expect(greyOf(coronal!)).toEqual([0, 10, 20, 1, 11, 21]);
  });

  test("slices are chosen as upstream", async () => {
    const series = await scan();
    expect(series.slices().count).toBe(180);
    // A slice that is taken twice is drawn once.
    const all = await framesOf(series, { rule: "repository", window });
    expect([new Set(all).size, all.length]).toEqual([4, 180]);
    const [first, second, third] = await framesOf(series, { rule: "repository", numSlices: 3, window });
    expect([first, second, third].map((frame) => greyOf(frame!)[0])).toEqual([0, 1, 3]);
    expect(series.slices({ rule: "hf", numSlices: 9 }).count).toBe(4);
    expect(codeOf(() => series.slices({ numSlices: 0 }))).toBe("volume-slices");
    expect(codeOf(() => series.slices({ numSlices: 70_000 }))).toBe("volume-slices");
  });
});

test("one file is read at a time, and again when its pixels are asked for", async () => {
  const files = [0, 1, 2].map((z) => sliceFile({ z, pixels: voxels(z) }));
  const reads = files.map(() => 0);
  const given = files.map((file, i) => ({
    bytes: async () => {
      reads[i]!++;
      return file;
    },
  }));
  const [series] = await readSeries(given);
  expect(reads).toEqual([1, 1, 1]);
  const source = series!.slices({ rule: "repository", window: "soft" });
  expect(reads).toEqual([1, 1, 1]);
  for (let time = 1; time <= 2; time++) {
    for await (const _ of source.frames());
    expect(reads).toEqual([1 + time, 1 + time, 1 + time]);
  }
  const coronal = series!.slices({ axis: "coronal", window: "soft" });
  for (let time = 0; time < 2; time++) for await (const _ of coronal.frames());
  expect(reads).toEqual([4, 4, 4]);
});
