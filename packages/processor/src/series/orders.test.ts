import { describe, expect, test } from "vitest";
import { type Elements, sliceFile } from "../../test/dicom-file.js";
import { codeOfAsync } from "../../test/helpers.js";
import type { DicomHeader } from "../dicom/header.js";
import { readDicom } from "../dicom/image.js";
import { orderSlices } from "./order.js";
import { type DicomSeries, readSeries, type SeriesOptions } from "./series.js";

const listed = (files: readonly Uint8Array[]) => files.map((file) => ({ bytes: async () => file }));
const read = async (files: readonly Uint8Array[], options: SeriesOptions = {}) => readSeries(listed(files), options);
const codes = ({ warnings }: DicomSeries) => warnings.map(({ code }) => code);
const tag = (tag: string, vr: string, value: string | number): Elements => ({
  [tag]: [vr, vr === "FD" ? [value as number] : String(value)],
});
/** What the first value of each slice of a volume is. */
const firsts = async (series: DicomSeries, volumeIndex = 0) => {
  const volume = await series.volume({ volumeIndex });
  return Array.from({ length: volume.shape[2] }, (_, k) => volume.plane(2, k).values[0]);
};
const filled = (value: number) => Array<number>(6).fill(value);

describe("slices at the same places are several volumes", () => {
  /** Three places, `values` at each, with instance numbers that run the wrong way and the files in no order. */
  const series = (element: (value: number) => Elements, values: readonly number[]) =>
    [20, 0, 10].flatMap((z) =>
      values.map((value, i) =>
        sliceFile(
          { z, sop: `1.${z}.${i}`, pixels: filled(value + z) },
          { ...element(value), ...tag("00200013", "IS", 100 - i) },
        ),
      ),
    );

  test.each([
    ["temporal position", "00200100", "IS", [2, 1, 3]],
    ["b-value", "00189087", "FD", [1000, 0, 500]],
    ["echo", "00180081", "DS", [4.5, 1.5, 3]],
    ["acquisition", "00200012", "IS", [3, 9, 4]],
  ] as const)("by %s", async (name, number, vr, values) => {
    const [found] = await read(series((value) => tag(number, vr, value), values));
    expect([found!.count, found!.volumes]).toEqual([3, 3]);
    expect(found!.warnings).toEqual([
      {
        code: "series-4d",
        message: `3 volumes of 3 slices lie at the same places, told apart by ${name}; volumeIndex chooses`,
      },
    ]);
    const sorted = values.toSorted((a, b) => a - b);
    for (const [i, value] of sorted.entries()) {
      const expected = [0, 10, 20].map((z) => Math.trunc(value) + z);
      expect(await firsts(found!, i)).toEqual(expected);
      const { count, frames } = found!.slices({ volumeIndex: i, rule: "hf" });
      expect(count).toBe(3);
      for await (const frame of frames()) expect(frame.width).toBe(3);
    }
    expect(await codeOfAsync(() => found!.volume({ volumeIndex: 3 }))).toBe("series-volume-index");
    expect(() => found!.slices({ volumeIndex: -1 })).toThrow(expect.objectContaining({ code: "series-volume-index" }));
  });

  test("by instance number, where nothing else tells them apart", async () => {
    const [found] = await read(series(() => ({}), [5, 6]));
    expect(found!.warnings[0]!.message).toContain("told apart by instance number");
    expect([await firsts(found!, 0), await firsts(found!, 1)]).toEqual([
      [6, 16, 26],
      [5, 15, 25],
    ]);
  });

  test("an interrupted last one is left out, and said to be", async () => {
    const files = series((value) => tag("00200100", "IS", value), [1, 2, 3, 4, 5, 6, 7, 8]);
    const extra = sliceFile({ z: 10, sop: "1.9", pixels: filled(0) }, tag("00200100", "IS", 9));
    const [found] = await read([...files, extra]);
    expect(found!.volumes).toBe(8);
    expect(found!.warnings[0]!.message).toMatch(/^8 volumes of 3 slices .*; 1 slice left out$/);
  });

  test("two blocks that overlap by a slice are one", async () => {
    const block = (zs: readonly number[], acquisition: number) =>
      zs.map((z) => sliceFile({ z, sop: `1.${acquisition}.${z}` }, tag("00200012", "IS", acquisition)));
    const [found] = await read([...block([0, 1, 2, 3], 1), ...block([3, 4, 5, 6], 2)]);
    expect([found!.count, found!.volumes, codes(found!)]).toEqual([7, 1, ["series-4d"]]);
    expect(found!.positions).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("slices that were taken again are no volumes, by whatever numbers", async () => {
    const one = [0, 1, 2, 3, 4].map((z) => sliceFile({ z, sop: `1.${z}` }, scanned(1, 100 + z)));
    const again = [0, 1, 2].map((z) => sliceFile({ z, sop: `2.${z}` }, scanned(2 + z, z)));
    const [found] = await read([...one, ...again]);
    expect([found!.volumes, found!.files]).toEqual([1, [5, 6, 7, 3, 4]]);
    expect(found!.warnings[0]!.message).toBe("slices lie at the same places; one of each is taken; 3 slices left out");
  });
  const scanned = (acquisition: number, instance: number) => ({
    ...tag("00200012", "IS", acquisition),
    ...tag("00200013", "IS", instance),
  });

  test("tens of thousands take no long time, whatever their numbers", async () => {
    const { header } = (await readDicom(sliceFile({ z: 0 }))) as { header: DicomHeader };
    const slices = Array.from({ length: 40_000 }, (_, i) => ({
      file: i,
      frame: 0,
      header: { ...header, acquisition: i, instance: i },
      at: { ...header, position: [0, 0, i >> 1] as const },
    }));
    const begin = performance.now();
    const { stacks } = orderSlices(slices);
    expect(stacks.map((stack) => stack.slices.length)).toEqual([20_000, 20_000]);
    // Without a bound it would be minutes.
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

describe("slices without positions", () => {
  const bare = (i: number, over: Elements) => sliceFile({ sop: `1.${i}`, pixels: filled(i) }, over);
  test.each([
    ["slice location", (i: number) => ({ ...tag("00201041", "DS", -i), ...tag("00200013", "IS", i) }), [2, 1, 0]],
    ["instance number", (i: number) => tag("00200013", "IS", 10 - i), [2, 1, 0]],
    ["the order of the files", () => ({}), [0, 1, 2]],
  ] as const)("are sorted by %s", async (name, over, order) => {
    const [found] = await read([0, 1, 2].map((i) => bare(i, over(i))));
    expect(await firsts(found!)).toEqual(order);
    expect(codes(found!)).toEqual(["series-order"]);
    expect(found!.warnings[0]!.message).toContain(name);
    expect([found!.positions, found!.geometry, found!.spacing]).toEqual([undefined, undefined, undefined]);
    expect((await found!.volume()).geometry).toBeUndefined();
  });

  test("among others that have them are a series of their own", async () => {
    const found = await read([bare(0, {}), sliceFile({ z: 1 }), sliceFile({ z: 2 })]);
    expect(found.map((series) => series.count)).toEqual([2, 1]);
    expect(codes(found[0]!)).toEqual(["series-mixed-orientation", "series-other"]);
  });

  test("nor with directions that are none", async () => {
    const [found] = await read([0, 1].map((i) => sliceFile({ z: i }, tag("00200037", "DS", "1\\0\\0\\1\\0\\0"))));
    expect([found!.positions, codes(found!)]).toEqual([undefined, ["series-order"]]);
  });
});

describe("other files", () => {
  test("a localizer's orientations are series of their own", async () => {
    const sagittal = (z: number) => sliceFile({ z }, tag("00200037", "DS", "0\\1\\0\\0\\0\\-1"));
    const found = await read([sliceFile({ z: 1 }), sagittal(2), sliceFile({ z: 3 }), sagittal(4), sliceFile({ z: 5 })]);
    expect(found.map((series) => [series.files, codes(series)])).toEqual([
      [
        [0, 2, 4],
        ["series-mixed-orientation", "series-other"],
      ],
      // Along their normal the two lie at the same place: z is not where sagittal slices differ.
      [[1], ["series-4d", "series-mixed-orientation", "series-other"]],
    ]);
    expect(found[0]!.warnings[0]!.message).toBe(
      "the series has slices of 2 orientations or spacings; 3 of them are this one",
    );
  });

  test("an enhanced file is a series of itself, sorted by its frames' positions", async () => {
    const places = [30, 10, 20];
    const frames = places.map((z) => ({
      "00209113": ["SQ", [{ "00200032": ["DS", [-10, -20, z]] }]],
      "00289145": ["SQ", [{ "00281052": ["DS", "0"], "00281053": ["DS", String(z / 10)] }]],
    })) as unknown as Elements[];
    const enhanced = sliceFile(
      { sop: "1.9", pixels: places.flatMap((z) => filled(z)) },
      {
        "00280008": ["IS", "3"],
        "52009229": [
          "SQ",
          [
            {
              "00289110": ["SQ", [{ "00280030": ["DS", [2, 3]] }]],
              "00209116": ["SQ", [{ "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }]],
            },
          ],
        ],
        "52009230": ["SQ", frames],
      },
    );
    let reads = 0;
    const counted = {
      bytes: async () => {
        reads++;
        return enhanced;
      },
    };
    const single = sliceFile({ z: 0 });
    const found = await readSeries([{ bytes: async () => single }, counted]);
    expect(found.map((series) => [series.count, series.files])).toEqual([
      [3, [1, 1, 1]],
      [1, [0]],
    ]);
    expect([found[0]!.positions, found[0]!.spacing, reads]).toEqual([[10, 20, 30], [3, 2, 10], 1]);
    // Stored 10, 20, 30, each with a slope of its own.
    expect(await firsts(found[0]!)).toEqual([10, 40, 90]);
    expect(reads).toBe(2);
    for await (const _ of found[0]!.slices({ rule: "hf", window: "min-max" }).frames());
    expect(reads).toBeLessThanOrEqual(4);
  });

  const clip = sliceFile({ sop: "1.8", pixels: [...filled(1), ...filled(2)] }, { "00280008": ["IS", "2"] });
  const text = new TextEncoder().encode("hello");
  const cut = sliceFile({ z: 5 }).subarray(0, -4);
  test("are left out, and said to be", async () => {
    const [found] = await read([clip, sliceFile({ z: 1 }), text, cut, new Uint8Array(0)]);
    expect(found!.warnings).toEqual([
      { code: "series-not-dicom", message: "2 files left out: no DICOM, or without pixels" },
      { code: "partial", message: "1 file left out, which cannot be read (dicom-pixels-short)" },
      {
        code: "series-other",
        message: "1 file left out: several frames without positions, which is a clip, to be read by itself",
      },
    ]);
  });

  test("are an error where there is nothing else", async () => {
    expect(await codeOfAsync(() => read([]))).toBe("series-empty");
    expect(await codeOfAsync(() => read([text]))).toBe("series-empty");
    expect(await codeOfAsync(() => read([clip]))).toBe("series-empty");
    expect(await codeOfAsync(() => read([text, cut]))).toBe("dicom-pixels-short");
  });

  test("what a file warns of, its series does", async () => {
    const head = { ...tag("00180015", "CS", "HEAD"), ...tag("00280301", "CS", "YES") };
    const [found] = await read([sliceFile({ z: 1 }, head), sliceFile({ z: 2 }, head)]);
    expect(codes(found!)).toEqual(["burned-in-annotation", "head-volume"]);
  });

  test("no message holds a UID", async () => {
    const files = [sliceFile({ z: 1 }), sliceFile({ z: 1 }), sliceFile({ z: 9 }), clip, text, cut];
    for (const { warnings } of await read([...files, sliceFile({ z: 3 }, tag("0020000E", "UI", "1.2.840.99.2"))]))
      expect(JSON.stringify(warnings)).not.toMatch(/\d\.\d\.\d|1\.2\.840/);
  });
});

describe("what lies between slices", () => {
  const gaps = async (places: readonly number[], over: Elements = {}) => {
    const [found] = await read(places.map((z) => sliceFile({ z }, over)));
    return found!;
  };
  test("may differ a little, not much", async () => {
    expect(codes(await gaps([0, 6.97, 14.03, 20.99]))).toEqual([]);
    const uneven = await gaps([0, 5, 10, 15.5]);
    expect(uneven.warnings).toEqual([
      { code: "series-gap", message: "the slices lie 5 to 5.5 mm apart, most of them 5 mm" },
    ]);
    expect(uneven.spacing![2]).toBeCloseTo(15.5 / 3, 12);
  });

  test("of one slice is what its file says", async () => {
    const between = tag("00180088", "DS", 4);
    const thick = tag("00180050", "DS", 7);
    expect((await gaps([5], { ...between, ...thick })).spacing).toEqual([3, 2, 4]);
    expect((await gaps([5], thick)).spacing).toEqual([3, 2, 7]);
    expect((await gaps([5])).geometry!.affine).toEqual([
      [-3, 0, 0, 10],
      [0, -2, 0, 20],
      [0, 0, 1, 5],
      [0, 0, 0, 1],
    ]);
  });

  test("a tilted gantry shears the volume", async () => {
    const [found] = await read(
      [0, 1, 2].map((k) => sliceFile({ z: k }, tag("00200032", "DS", `-10\\${-20 + k}\\${5 * k}`))),
    );
    expect(found!.geometry!.affine.map((row) => row[2])).toEqual([0, -1, 5, 0]);
    expect(found!.positions).toEqual([0, 5, 10]);
  });

  test("another pixel spacing is another series", async () => {
    const coarse = tag("00280030", "DS", "2\\3.1");
    const found = await read([sliceFile({ z: 0 }), sliceFile({ z: 1 }, coarse), sliceFile({ z: 2 })]);
    expect(found.map((series) => series.files)).toEqual([[0, 2], [1]]);
  });
});

describe("limits", () => {
  const files = [1, 2, 3].map((z) => sliceFile({ z }));
  test("of slices, of a volume's bytes, of orientations", async () => {
    expect(await codeOfAsync(() => read(files, { limits: { maxFrames: 2 } }))).toBe("series-too-large");
    expect(await codeOfAsync(() => read(files, { limits: { maxFrames: 0 } }))).toBe("input-limit");
    const length = Math.max(...files.map((file) => file.length));
    const many = Array.from({ length: 100 }, (_, z) => sliceFile({ z }));
    const [found] = await read(many, { limits: { maxBytes: length } });
    expect(await codeOfAsync(() => found!.volume())).toBe("series-too-large");
    const lut: Elements = { "00283000": ["SQ", [{ "00283002": ["US", [2, 0, 16]], "00283006": ["US", [1, 2]] }]] };
    const looked = Array.from({ length: 20 }, (_, z) => sliceFile({ z }, lut));
    const most = Math.max(...looked.map((file) => file.length));
    // 240 bytes as they are stored, 960 as they are kept.
    expect(most).toBeLessThan(960);
    const [values] = await read(looked, { limits: { maxBytes: most } });
    expect(await codeOfAsync(() => values!.volume())).toBe("series-too-large");
    const turned = Array.from({ length: 257 }, (_, i) => {
      const [c, s] = [Math.cos(i / 50), Math.sin(i / 50)].map((v) => v.toFixed(6));
      return sliceFile({ z: i }, tag("00200037", "DS", `${c}\\${s}\\0\\0\\0\\1`));
    });
    expect(await codeOfAsync(() => read(turned))).toBe("series-too-large");
  });

  test("an abort ends the reading", async () => {
    const control = new AbortController();
    const stopping = {
      bytes: async () => {
        control.abort(new Error("enough"));
        return files[0]!;
      },
    };
    await expect(readSeries([stopping, stopping], { signal: control.signal })).rejects.toThrow("enough");
    const [found] = await read(files);
    await expect(found!.volume({ signal: control.signal })).rejects.toThrow("enough");
    for (const axis of [0, 1, 2] as const)
      await expect(async () => {
        for await (const _ of found!.slices({ axis }).frames({ signal: control.signal }));
      }).rejects.toThrow("enough");
  });

  test("a file that became another one is refused", async () => {
    const list = [...files];
    const [found] = await readSeries(files.map((_, i) => ({ bytes: async () => list[i]! })));
    list[1] = sliceFile({ z: 7 });
    expect(await codeOfAsync(() => found!.volume())).toBe("series-volume");
  });
});
