import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { bytesOf, codeOf, codeOfAsync, jsonOf, sha256 } from "../../test/helpers.js";
import { type Affine, geometryOf } from "./affine.js";
import { readNifti } from "./nifti.js";
import { reorientRas } from "./reorient.js";
import { scalePlane, volumeFrames } from "./slices.js";
import { typedVolume } from "./typed.js";
import { volumeOf } from "./volume.js";

interface Space {
  shape: number[];
  affine: number[][];
  axcodes: string;
}
interface Sample extends Space {
  kind: string;
  expect: string;
  zooms: number[];
  effective_slope_inter: [number, number];
  canonical_ras?: Space & { sha256_float64_file_order: string; slices_8_axial_first_last: string[] };
}
interface Case extends Space {
  what: string;
  file: string;
  zooms: number[];
  fdata: string;
  nan: boolean;
  canonical: Space & { fdata: string };
}

const bytes = (values: Float64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
/** The reference's qforms go through 80-bit numbers, and its products through other orders of summing. */
const near = (affine: Affine | undefined, expected: number[][]) => {
  const scale = Math.max(...expected.flat().map(Math.abs));
  affine!.flat().forEach((v, i) => {
    expect(Math.abs(v - expected.flat()[i]!)).toBeLessThanOrEqual(4e-15 * scale);
  });
};

describe("the samples lie where nibabel says", () => {
  const { files } = jsonOf<{ files: Record<string, Sample> }>("samples/goldens.json");
  const entries = Object.entries(files).filter(([, e]) => e.kind === "nifti" && e.expect.includes("decode"));
  it.each(entries.filter(([path, e]) => e.canonical_ras && !path.includes("bad_")))("%s", async (path, e) => {
    const content = bytesOf(`samples/${path}`);
    const volume = await readNifti(content, { volumeIndex: 0 });
    expect(volume.header.affine).toEqual(e.affine);
    expect(volume.geometry!.axcodes).toBe(e.axcodes);
    expect(volume.header.spacing).toEqual(e.zooms);
    expect([volume.header.slope, volume.header.inter]).toEqual(e.effective_slope_inter);
    const ras = await readNifti(content, { volumeIndex: 0, reorient: "RAS" });
    const canonical = e.canonical_ras!;
    expect(ras.shape).toEqual(canonical.shape.slice(0, 3));
    expect(ras.geometry!.axcodes).toBe(canonical.axcodes);
    near(ras.geometry!.affine, canonical.affine);
    const ends = [ras.plane(2, 0), ras.plane(2, ras.shape[2] - 1)];
    const got = ends.map((plane) => sha256(scalePlane(plane, "repository")));
    expect(got).toEqual(canonical.slices_8_axial_first_last);
    if (e.shape.length === 3) expect(sha256(bytes(ras.values()))).toBe(canonical.sha256_float64_file_order);
  });
});

describe("files of every voxel type, version and byte order", () => {
  it.each(jsonOf<Case[]>("volumes/nifti-cases.json").map((c, i) => [i, c.what, c] as const))(
    "%i %s",
    async (_i, _what, c) => {
      const file = new Uint8Array(Buffer.from(c.file, "base64"));
      const { header, volumes } = await readNifti(file, { volumeIndex: 0 });
      expect(header.shape).toEqual(c.shape);
      expect(header.spacing).toEqual(c.zooms);
      near(header.affine, c.affine);
      for (const [options, expected] of [
        [{}, { ...c, shape: c.shape }],
        [{ reorient: "RAS" }, c.canonical],
      ] as const) {
        const all = [];
        for (let volumeIndex = 0; volumeIndex < volumes; volumeIndex++)
          all.push(await readNifti(file, { volumeIndex, ...options }));
        expect(all[0]!.shape).toEqual([...expected.shape.slice(0, 3), 1, 1].slice(0, 3));
        near(all[0]!.geometry!.affine, expected.affine);
        const joined = Buffer.concat(all.map((v) => bytes(v.values())));
        if (!c.nan) expect(sha256(joined)).toBe(expected.fdata);
      }
      expect((await readNifti(file, { volumeIndex: 0 })).geometry!.axcodes).toBe(c.axcodes);
    },
  );
});

const affine = (rows: number[]): Affine => [
  [rows[0]!, rows[1]!, rows[2]!, 10],
  [rows[3]!, rows[4]!, rows[5]!, 20],
  [rows[6]!, rows[7]!, rows[8]!, 30],
  [0, 0, 0, 1],
];

describe("a reoriented volume", () => {
  const element = fc.double({ min: -3, max: 3, noNaN: true });
  test("has each value at the same place in the patient", () => {
    fc.assert(
      fc.property(fc.array(element, { minLength: 9, maxLength: 9 }), fc.boolean(), (rows, colour) => {
        const geometry = geometryOf(affine(rows));
        fc.pre(geometry !== undefined);
        const channels = colour ? 3 : 1;
        const volume = volumeOf([2, 3, 4], (i) => i, { channels, geometry });
        const ras = reorientRas(volume);
        const place = (m: Affine, voxel: number[]) => m.map((row) => row.reduce((s, v, c) => s + v * voxel[c]!, 0));
        const places = (v: typeof volume) => {
          const values = v.values();
          const found = new Map<number, number[]>();
          for (let i = 0; i < values.length / channels; i++) {
            const [x, y] = v.shape;
            const voxel = [i % x, Math.floor(i / x) % y, Math.floor(i / (x * y)), 1];
            found.set(values[i * channels]!, place(v.geometry!.affine, voxel));
          }
          return found;
        };
        const [before, after] = [places(volume), places(ras)];
        expect(after.size).toBe(24);
        for (const [value, at] of after)
          at.forEach((v, i) => {
            expect(v).toBeCloseTo(before.get(value)![i]!, 9);
          });
        // Planes and values tell the same.
        for (const axis of [0, 1, 2] as const) {
          const { values } = ras.plane(axis, 1);
          const all = ras.values();
          const [x, y] = ras.shape;
          const [a, b] = axis === 0 ? [x, x * y] : axis === 1 ? [1, x * y] : [1, x];
          const start = [1, x, x * y][axis]!;
          const { rows, cols } = ras.plane(axis, 1);
          for (let r = 0; r < rows; r++)
            for (let c = 0; c < cols; c++)
              expect(values[(r * cols + c) * channels]).toBe(all[(start + r * a + c * b) * channels]);
        }
        expect(reorientRas(ras).values()).toEqual(ras.values());
      }),
    );
  });

  test("needs an affine that can be used", async () => {
    expect(codeOf(() => reorientRas(volumeOf([1, 1, 1], () => 0)))).toBe("volume-geometry");
    for (const rows of [
      [1, 0, 0, 0, 1, 0, 0, 0, 0],
      [1, 1, 0, 1, 1, 0, 0, 0, 1],
      [Number.NaN, 0, 0, 0, 1, 0, 0, 0, 1],
      [1.7e308, 0, 0, 1.7e308, 1, 0, 1.7e308, 0, 1],
    ])
      expect(geometryOf(affine(rows))).toBeUndefined();
    const file = bytesOf("samples/nasty/slope_nan.nii");
    new DataView(file.buffer).setFloat32(280, Number.NaN, true);
    expect((await readNifti(file)).geometry).toBeUndefined();
    expect(await codeOfAsync(() => readNifti(file, { reorient: "RAS" }))).toBe("volume-geometry");
    expect(await codeOfAsync(() => readNifti(file, { reorient: "LPS" as "RAS" }))).toBe("volume-geometry");
  });
});

describe("the radiological view", () => {
  /** A voxel's value says how far right, forward and up it is, whatever its axes are. */
  const scan = (columns: readonly (readonly [0 | 1 | 2, 1 | -1])[]) => {
    const sizes = [2, 3, 4];
    const shape = columns.map(([axis]) => sizes[axis]!) as [number, number, number];
    const data = new Int16Array(24);
    for (let i = 0; i < 24; i++) {
      const voxel = [i % shape[0], Math.floor(i / shape[0]) % shape[1], Math.floor(i / (shape[0] * shape[1]))];
      const ras = [0, 0, 0];
      columns.forEach(([axis, sign], c) => {
        ras[axis] = sign === 1 ? voxel[c]! : sizes[axis]! - 1 - voxel[c]!;
      });
      data[i] = ras[0]! + 10 * ras[1]! + 100 * ras[2]!;
    }
    const direction = columns.flatMap(([axis, sign]) => [0, 1, 2].map((r) => (r === axis ? sign : 0)));
    return typedVolume({ data, dims: shape, direction, space: "RAS" });
  };

  const seen = (volume: ReturnType<typeof scan>, wanted: 0 | 1 | 2) => {
    const axis = volume.geometry!.orientation.findIndex((o) => o.axis === wanted) as 0 | 1 | 2;
    const [{ data, width, height }] = volumeFrames(volume, { axis, numSlices: 1, view: "radiological" }) as [
      ReturnType<typeof volumeFrames>[0],
    ];
    const grey = [...data].filter((_, i) => i % 3 === 0);
    return Array.from({ length: height }, (_, r) => grey.slice(r * width, (r + 1) * width));
  };

  const signs = fc.constantFrom<1 | -1>(1, -1);
  test("has the right at the left, the front and the head at the top", () => {
    const axes = fc.constantFrom([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]);
    fc.assert(
      fc.property(axes, fc.tuple(signs, signs, signs), (order, sign) => {
        const volume = scan(order.map((axis, i) => [axis as 0 | 1 | 2, sign[i]!] as const));
        const [axial, coronal, sagittal] = [seen(volume, 2), seen(volume, 1), seen(volume, 0)];
        // Values fall from the patient's right to the left by 1, from the front to the back by 10, to the feet by 100.
        expect(axial.map((r) => r.length)).toEqual([2, 2, 2]);
        expect(coronal.map((r) => r.length)).toEqual([2, 2, 2, 2]);
        expect(sagittal.map((r) => r.length)).toEqual([3, 3, 3, 3]);
        for (const picture of [axial, coronal, sagittal]) {
          const flat = picture.flat();
          expect([flat[0], flat.at(-1)]).toEqual([255, 0]);
          expect(flat).toEqual(flat.toSorted((a, b) => b - a));
        }
      }),
    );
  });

  test("needs to know how the volume lies", () => {
    const volume = volumeOf([2, 2, 2], (i) => i);
    expect(codeOf(() => volumeFrames(volume, { view: "radiological" }))).toBe("volume-geometry");
    expect(codeOf(() => volumeFrames(volume, { view: "other" as "upstream" }))).toBe("volume-geometry");
  });
});
