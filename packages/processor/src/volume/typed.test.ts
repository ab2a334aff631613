import { expect, test } from "vitest";
import { codeOf } from "../../test/helpers.js";
import { volumeFrames } from "./slices.js";
import { volumeSource } from "./source.js";
import { type TypedVolume, typedVolume } from "./typed.js";

const data = Int16Array.from({ length: 24 }, (_, i) => i - 5);

test("memory of the caller's is a volume", () => {
  const volume = typedVolume({ data, dims: [2, 3, 4], slope: 0.5, inter: -1 });
  expect([volume.shape, volume.channels, volume.geometry]).toEqual([[2, 3, 4], 1, undefined]);
  expect([...volume.values()]).toEqual([...data].map((v) => v * 0.5 - 1));
  expect([...volume.plane(2, 1).values]).toEqual([1, 3, 5, 2, 4, 6].map((v) => v * 0.5 - 1));
  expect(typedVolume({ data: BigInt64Array.from([1n, 2n]), dims: [2, 1, 1] }).values()).toEqual(Float64Array.of(1, 2));
});

test("it lies where its direction says, in LPS or RAS", () => {
  const given = { data, dims: [2, 3, 4] as const, spacing: [2, 3, 4], origin: [10, 20, 30] };
  // As Cornerstone gives an axial scan: columns to the left, rows to the back.
  expect(typedVolume(given).geometry).toMatchObject({
    axcodes: "LPS",
    spacing: [2, 3, 4],
    affine: [
      [-2, 0, 0, -10],
      [0, -3, 0, -20],
      [0, 0, 4, 30],
      [0, 0, 0, 1],
    ],
  });
  const direction = [0, 1, 0, 0, 0, -1, -1, 0, 0];
  expect(typedVolume({ ...given, direction, space: "RAS" }).geometry).toMatchObject({
    axcodes: "AIL",
    affine: [
      [0, 0, -4, 10],
      [2, 0, 0, 20],
      [0, -3, 0, 30],
      [0, 0, 0, 1],
    ],
  });
});

test("RGB and RGBA voxels are colours", () => {
  const rgba = Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 0);
  for (const data of [Uint8Array.of(1, 2, 3, 4, 5, 6), rgba, new Uint8ClampedArray(rgba)]) {
    const volume = typedVolume({ data, dims: [2, 1, 1] });
    expect([...volumeFrames(volume, { rule: "hf" })[0]!.data]).toEqual([1, 2, 3, 4, 5, 6]);
  }
});

test("what does not fit is refused", () => {
  const refused = (given: Partial<TypedVolume>, limits = {}) =>
    codeOf(() => typedVolume({ data, dims: [2, 3, 4], ...given }, { limits }));
  expect(refused({})).toBeUndefined();
  for (const given of [
    { dims: [2, 3, 5] as const },
    { dims: [2, 3] as unknown as [number, number, number] },
    { dims: [0, 3, 4] as const },
    { dims: [1, 2, 4] as const },
    { data: [] as unknown as Int16Array },
    { data: new DataView(new ArrayBuffer(24)) as unknown as Int16Array },
    { slope: Number.NaN },
  ])
    expect(refused(given)).toBe("volume-data");
  expect(refused({}, { maxPixels: 11 })).toBe("volume-data");
  for (const given of [
    { spacing: [1, 1, 0] },
    { spacing: [1, 1] },
    { origin: [0, 0, Number.NaN] },
    { direction: [1, 0, 0, 1, 0, 0, 0, 0, 1] },
    { origin: [0, 0, 0], space: "LPI" as "LPS" },
  ])
    expect(refused(given)).toBe("volume-geometry");
});

test("a volume is a source of frames, read again and again", async () => {
  const volume = typedVolume({ data, dims: [2, 3, 4], direction: [1, 0, 0, 0, 1, 0, 0, 0, 1] });
  for (const options of [{}, { axis: "sagittal", numSlices: 3 }, { rule: "hf", view: "radiological" }] as const) {
    const source = volumeSource(volume, options);
    const frames = volumeFrames(volume, options);
    for (let time = 0; time < 2; time++) {
      const seen = [];
      for await (const frame of source.frames()) seen.push(frame);
      expect(seen).toEqual(frames);
    }
    expect(source).toMatchObject({ kind: "volume", count: frames.length });
    expect([source.width, source.height]).toEqual([frames[0]!.width, frames[0]!.height]);
  }
  expect(codeOf(() => volumeSource(volume, { limits: { maxFrames: 179 } }))).toBe("volume-slices");
  const control = new AbortController();
  const given = volumeSource(volume).frames({ signal: control.signal });
  await expect(async () => {
    for await (const _ of given) control.abort(new Error("enough"));
  }).rejects.toThrow("enough");
});
