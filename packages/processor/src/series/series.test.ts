import { readdirSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { bytesOf, jsonOf, sha256 } from "../../test/helpers.js";
import { scalePlane } from "../volume/slices.js";
import { readSeries } from "./series.js";

interface Golden {
  order: string[];
  positions_along_normal: number[];
  gaps: number[];
  pixel_spacing_row_col: [number, number];
  affine_ras: number[][];
  axcodes: string;
  hu_zyx_float64: { shape: number[]; sha256: string };
  slices_8_of_V_xyz: Record<string, { axis: 0 | 1 | 2; indices: number[]; slices: { i: number; sha256: string }[] }>;
  axial_row_major: string[];
}

const DATA = new URL("../../../../test/data/samples/", import.meta.url);
const folder = (path: string) => {
  const names = readdirSync(new URL(`${path}/`, DATA)).toSorted();
  return { names, files: names.map((name) => ({ bytes: async () => bytesOf(`samples/${path}/${name}`) })) };
};
const bytes = (values: Float64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe("the series of the samples", () => {
  const { series } = jsonOf<{ series: Record<string, Golden> }>("samples/goldens.json");
  const mixed = ["nasty/series_mixed", series["3d/ct_series_tiny"]!] as const;
  it.each([...Object.entries(series), mixed])("%s", async (path, golden) => {
    const { names, files } = folder(path);
    const [first] = await readSeries(files);
    const found = first!;
    expect(found.files.map((file) => names[file]!.replace("copy_of_", ""))).toEqual(golden.order);
    found.positions!.forEach((at, i) => {
      expect(at).toBeCloseTo(golden.positions_along_normal[i]!, 9);
      if (i > 0) expect(at - found.positions![i - 1]!).toBeCloseTo(golden.gaps[i - 1]!, 4);
    });
    expect(found.spacing!.slice(0, 2).toReversed()).toEqual(golden.pixel_spacing_row_col);
    found.geometry!.affine.flat().forEach((v, i) => {
      expect(v).toBeCloseTo(golden.affine_ras.flat()[i]!, 12);
    });
    expect(found.geometry!.axcodes).toBe(golden.axcodes);
    const volume = await found.volume();
    expect(volume.shape).toEqual(golden.hu_zyx_float64.shape.toReversed());
    expect(sha256(bytes(volume.values()))).toBe(golden.hu_zyx_float64.sha256);
    for (const { axis, slices } of Object.values(golden.slices_8_of_V_xyz)) {
      const got = slices.map((s) => sha256(scalePlane(volume.plane(axis, s.i), "repository")));
      expect(got).toEqual(slices.map((s) => s.sha256));
    }
    const source = found.slices({ rule: "hf", window: "slice-min-max" });
    const rows: string[] = [];
    for await (const { data } of source.frames()) rows.push(sha256(data.filter((_, i) => i % 3 === 0)));
    expect(rows).toEqual(golden.axial_row_major);
  });

  test("warn of what is odd", async () => {
    const warned = async (path: string) =>
      (await readSeries(folder(path).files)).map((found) => found.warnings.map(({ code }) => code));
    expect(await warned("3d/ct_series_tiny")).toEqual([[]]);
    expect(await warned("nasty/series_gap")).toEqual([["series-gap"]]);
    expect(await warned("nasty/series_mixed")).toEqual([
      ["series-duplicate", "series-other", "series-not-dicom"],
      ["series-other", "series-not-dicom"],
    ]);
    const [gap] = await readSeries(folder("nasty/series_gap").files);
    expect(gap!.warnings[0]!.message).toBe(
      "the slices lie 2.5 to 7.5 mm apart, most of them 2.5 mm; 2 slices may be missing",
    );
  });
});
