import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, codeOf, codeOfAsync, jsonOf, sha256, tensorsOf } from "../../test/helpers.js";
import { ProcessorError } from "../errors.js";
import type { InputLimits } from "../input/limits.js";
import { crc32, gunzip } from "./gunzip.js";
import { readNifti } from "./nifti.js";
import { scalePlane, sliceIndices, streamSlices, volumeFrames } from "./slices.js";
import { axisNumber, volumeOf } from "./volume.js";

interface Golden {
  key: string;
  file: string;
  nifti_axis: 0 | 1 | 2;
  num_slices: number | null;
  window_center?: number | null;
  window_width?: number | null;
  indices: number[];
  shape: [number, number, number];
  pil_size?: [number, number];
  rule: string;
}

const bytes = (values: Float64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe("the golden volumes", () => {
  const tensors = tensorsOf("goldens/nifti/nifti.safetensors");
  const cases = jsonOf<Golden[]>("goldens/nifti/nifti.json");

  it.each([...new Set(cases.map((c) => c.file))])("%s: values", async (file) => {
    const volume = await readNifti(bytesOf(`goldens/nifti/${file}`));
    const [x, y, z] = volume.shape;
    const rowMajor = new Float32Array(x * y * z);
    volume.values().forEach((v, i) => {
      const [a, b, c] = [i % x, Math.floor(i / x) % y, Math.floor(i / (x * y))];
      rowMajor[(a * y + b) * z + c] = v;
    });
    expect(rowMajor).toEqual(tensors.f32(`${file}/fdata`));
  });

  it.each(cases.map((c) => [c.key, c] as const))("%s", async (key, c) => {
    const volume = await readNifti(bytesOf(`goldens/nifti/${c.file}`));
    const rule = c.rule.startsWith("released") ? "repository" : "hf";
    expect(sliceIndices(volume.shape[c.nifti_axis], rule, c.num_slices)).toEqual(c.indices);
    const window = c.window_width ? { window: { center: c.window_center!, width: c.window_width } } : {};
    const frames = volumeFrames(volume, { axis: c.nifti_axis, rule, numSlices: c.num_slices, ...window });
    expect([frames.length, frames[0]!.height, frames[0]!.width]).toEqual(c.shape);
    if (c.pil_size) expect([frames[0]!.width, frames[0]!.height]).toEqual(c.pil_size);
    const grey = Uint8Array.from(frames.flatMap((f) => [...f.data].filter((_, i) => i % 3 === 1)));
    expect(sha256(grey)).toBe(sha256(tensors.u8(key)));
    expect(frames[0]!.data[0]).toBe(frames[0]!.data[2]);
  });
});

interface Sample {
  kind: string;
  expect: string;
  shape?: number[];
  datatype?: number;
  fdata?: { sha256: string; nonfinite?: number };
  raw?: { sha256: string };
  rgb_voxels?: { sha256: string };
  slices_8?: Record<
    string,
    { axis: 0 | 1 | 2; indices: number[]; slices: { i: number; sha256: string; undefined?: unknown }[] }
  >;
}

const samples = Object.entries(jsonOf<{ files: Record<string, Sample> }>("samples/goldens.json").files).filter(
  ([, e]) => e.kind === "nifti",
);

describe("the samples", () => {
  it.each(samples.filter(([, e]) => e.expect === "decode"))("%s", async (path, e) => {
    const content = bytesOf(`samples/${path}`);
    const [x, y, z, volumes = 1] = e.shape as [number, number, number, number?];
    const all: Uint8Array[] = [];
    for (let volumeIndex = 0; volumeIndex < volumes; volumeIndex++) {
      const volume = await readNifti(content, { volumeIndex });
      expect(volume.shape).toEqual([x, y, z]);
      all.push(bytes(volume.values()));
      if (volumeIndex > 0) continue;
      for (const { axis, indices, slices } of Object.values(e.slices_8 ?? {})) {
        expect(sliceIndices(volume.shape[axis], "repository", 8)).toEqual(indices);
        const got = slices.map((s) => sha256(scalePlane(volume.plane(axis, s.i), "repository")));
        expect(got).toEqual(slices.map((s, k) => (s.undefined ? got[k] : s.sha256)));
      }
    }
    const joined = Buffer.concat(all);
    if (!e.fdata!.nonfinite) expect(sha256(joined)).toBe(e.fdata!.sha256);
  });

  it.each(samples.filter(([, e]) => e.expect.includes("reject")))("%s is refused or read", async (path, e) => {
    const code = await codeOfAsync(() => readNifti(bytesOf(`samples/${path}`), { volumeIndex: 0 }));
    if (e.expect === "reject") expect(code).toMatch(/^nifti-/);
    if (code !== undefined || e.rgb_voxels) return;
    const { volumes } = await readNifti(bytesOf(`samples/${path}`), { volumeIndex: 0 });
    const all: Uint8Array[] = [];
    for (let volumeIndex = 0; volumeIndex < volumes; volumeIndex++)
      all.push(bytes((await readNifti(bytesOf(`samples/${path}`), { volumeIndex })).values()));
    expect(sha256(Buffer.concat(all))).toBe(e.fdata!.sha256);
  });

  it("have the stored voxels where the header says", async () => {
    for (const [path, e] of samples.filter(([, e]) => e.raw)) {
      if (path.includes("bad_") || path.includes("complex")) continue;
      const file = Buffer.from(bytesOf(`samples/${path}`));
      const { header } = await readNifti(file, { volumeIndex: 0 });
      const content = file[0] === 0x1f ? await gunzip(file, 1, () => 1e7) : file;
      const length = header.shape.reduce((n, d) => n * d, header.bytesPerVoxel);
      const stored = Buffer.from(content.slice(header.offset, header.offset + length));
      if (!header.littleEndian && header.bytesPerVoxel === 2) stored.swap16();
      expect([path, sha256(stored)]).toEqual([path, e.raw!.sha256]);
    }
  });

  it("of colour are read as they are", async () => {
    const volume = await readNifti(bytesOf("samples/nasty/rgb24.nii.gz"));
    const [x, y, z] = volume.shape;
    const rowMajor = new Uint8Array(x * y * z * 3);
    volume.values().forEach((v, i) => {
      const voxel = Math.floor(i / 3);
      const [a, b, c] = [voxel % x, Math.floor(voxel / x) % y, Math.floor(voxel / (x * y))];
      rowMajor[((a * y + b) * z + c) * 3 + (i % 3)] = v;
    });
    const golden = Object.fromEntries(samples)["nasty/rgb24.nii.gz"]!.rgb_voxels!;
    expect([volume.channels, sha256(rowMajor)]).toEqual([3, golden.sha256]);
    // What is drawn is what is stored, and no window changes it.
    const window = { center: 1, width: 1 };
    for (const options of [{}, { rule: "hf", window }] as const) {
      const [frame] = volumeFrames(volume, { ...options, numSlices: 1 });
      expect([frame!.width, frame!.height]).toEqual([y, x]);
      const at = (a: number, b: number) => [...rowMajor.subarray((a * y + b) * z * 3, (a * y + b) * z * 3 + 3)];
      for (const [a, b] of [
        [0, 0],
        [5, 40],
        [32, 7],
      ] as const)
        expect([...frame!.data.subarray((a * y + b) * 3, (a * y + b) * 3 + 3)]).toEqual(at(a, b));
    }
  });

  it("of five dimensions count their volumes through", async () => {
    const file = bytesOf("samples/nasty/five_d.nii.gz");
    const first = await readNifti(file, { volumeIndex: 0 });
    expect([first.volumes, first.shape]).toEqual([3, [12, 12, 5]]);
    const golden = Object.fromEntries(samples)["nasty/five_d.nii.gz"]!.slices_8!;
    for (const { axis, slices } of Object.values(golden)) {
      const got = slices.map((s) => sha256(scalePlane(first.plane(axis, s.i), "repository")));
      expect(got).toEqual(slices.map((s) => s.sha256));
    }
  });

  it("in pairs are read from both halves", async () => {
    const [header, image] = [bytesOf("samples/nasty/pair.hdr"), bytesOf("samples/nasty/pair.img")];
    const volume = await readNifti(header, { image });
    expect(volume.shape).toEqual([31, 29, 11]);
    // The pair was made of the same scan as noform.nii.gz.
    expect(volume.values()).toEqual((await readNifti(bytesOf("samples/nasty/noform.nii.gz"))).values());
    const zipped = [new Uint8Array(gzipSync(header)), new Uint8Array(gzipSync(image))] as const;
    expect((await readNifti(zipped[0], { image: zipped[1] })).values()).toEqual(volume.values());
    const refused = (bytes: Uint8Array, image?: Uint8Array) =>
      codeOfAsync(() => readNifti(bytes, image === undefined ? {} : { image }));
    expect(await refused(header)).toBe("nifti-pair");
    expect(await refused(zipped[0])).toBe("nifti-pair");
    expect(await refused(bytesOf("samples/nasty/slope_nan.nii"), image)).toBe("nifti-pair");
    expect(await refused(header, image.subarray(1))).toBe("nifti-short");
    expect(await refused(header, zipped[1].subarray(0, 9000))).toBe("nifti-gzip");
    const analyze = header.slice();
    analyze.fill(0, 344);
    await expect(readNifti(analyze, { image })).rejects.toThrow("an Analyze 7.5 header");
  });

  it("name what is wrong", async () => {
    const codes = await Promise.all(
      [
        "zero.nii.gz",
        "truncated.nii.gz",
        "short_data.nii",
        "bad_magic.nii",
        "bad_sizeof_hdr.nii",
        "huge_dims.nii.gz",
        "negative_dim.nii",
        "bad_datatype.nii",
        "bad_vox_offset.nii",
        "pair.hdr",
        "rgb24.nii.gz",
        "complex64.nii.gz",
        "five_d.nii.gz",
        "two_d.nii.gz",
        "not_gzipped.nii.gz",
        "gzipped.nii",
      ].map((name) => codeOfAsync(() => readNifti(bytesOf(`samples/nasty/${name}`)))),
    );
    expect(codes).toEqual([
      "nifti-header",
      "nifti-gzip",
      "nifti-short",
      "nifti-header",
      "nifti-header",
      "nifti-short",
      "nifti-dimensions",
      "nifti-datatype",
      "nifti-short",
      "nifti-pair",
      undefined,
      "nifti-datatype",
      "nifti-volume-index",
      undefined,
      undefined,
      undefined,
    ]);
  });
});

/** A NIfTI file of `values`, written by hand. */
function nifti(
  version: 1 | 2,
  le: boolean,
  code: number,
  bits: number,
  dims: number[],
  write: (view: DataView, at: number) => void,
): Uint8Array {
  const offset = version === 1 ? 352 : 544;
  const view = new DataView(new ArrayBuffer(offset + (dims.reduce((n, d) => n * d, 1) * bits) / 8));
  const magic = (at: number) => new Uint8Array(view.buffer).set([0x6e, 0x2b, 0x30 + version, 0], at);
  view.setInt32(0, version === 1 ? 348 : 540, le);
  const rank = [dims.length, ...dims];
  if (version === 1) {
    for (const [i, d] of rank.entries()) view.setInt16(40 + 2 * i, d, le);
    view.setInt16(70, code, le);
    view.setInt16(72, bits, le);
    view.setFloat32(108, offset, le);
    view.setFloat32(112, 2, le);
    view.setFloat32(116, -1, le);
    magic(344);
  } else {
    magic(4);
    view.setInt16(12, code, le);
    view.setInt16(14, bits, le);
    for (const [i, d] of rank.entries()) view.setBigInt64(16 + 8 * i, BigInt(d), le);
    view.setBigInt64(168, BigInt(offset), le);
    view.setFloat64(176, 2, le);
    view.setFloat64(184, -1, le);
  }
  write(view, offset);
  return new Uint8Array(view.buffer);
}

describe("readNifti", () => {
  type Set = (view: DataView, at: number, v: number, le: boolean) => void;
  const types: [number, number, number[], Set][] = [
    [2, 8, [0, 255], (d, at, v) => d.setUint8(at, v)],
    [256, 8, [-128, 127], (d, at, v) => d.setInt8(at, v)],
    [4, 16, [-32768, 258], (d, at, v, le) => d.setInt16(at, v, le)],
    [512, 16, [65535, 258], (d, at, v, le) => d.setUint16(at, v, le)],
    [8, 32, [-(2 ** 31), 66051], (d, at, v, le) => d.setInt32(at, v, le)],
    [768, 32, [2 ** 32 - 1, 66051], (d, at, v, le) => d.setUint32(at, v, le)],
    [1024, 64, [-(2 ** 60), 66051], (d, at, v, le) => d.setBigInt64(at, BigInt(v), le)],
    [1280, 64, [2 ** 63, 66051], (d, at, v, le) => d.setBigUint64(at, BigInt(v), le)],
    [16, 32, [0.5, -3], (d, at, v, le) => d.setFloat32(at, v, le)],
    [64, 64, [0.1, -3], (d, at, v, le) => d.setFloat64(at, v, le)],
  ];
  const variants = types.flatMap((t) =>
    ([1, 2] as const).flatMap((version) => [true, false].map((le) => [t[0], version, le, t] as const)),
  );

  it.each(variants)("datatype %i, version %i, little-endian %s", async (code, version, le, [, bits, values, set]) => {
    const file = nifti(version, le, code, bits, [2, 1, 1], (view, at) => {
      values.forEach((v, i) => {
        set(view, at + (i * bits) / 8, v, le);
      });
    });
    const volume = await readNifti(file);
    expect([...volume.values()]).toEqual(values.map((v) => v * 2 - 1));
    expect(volume.header).toMatchObject({ version, littleEndian: le, slope: 2, inter: -1 });
    expect([...(await readNifti(new Uint8Array(gzipSync(file)))).values()]).toEqual([...volume.values()]);
  });

  it("keeps a zero with a sign, as nibabel does", async () => {
    const file = nifti(1, true, 16, 32, [2, 1, 1], (view, at) => view.setFloat32(at, -0, true));
    const head = new DataView(file.buffer, file.byteOffset);
    head.setFloat32(112, 1, true);
    head.setFloat32(116, 0, true);
    expect([...(await readNifti(file)).values()]).toEqual([-0, 0]);
    head.setFloat32(112, -2, true);
    expect([...(await readNifti(file)).values()]).toEqual([0, -0]);
  });

  const small = () =>
    nifti(1, true, 2, 8, [2, 2, 2, 3], (view, at) => Array.from({ length: 24 }, (_, i) => view.setUint8(at + i, i)));

  it("wants to know which volume of a 4D file", async () => {
    expect(await codeOfAsync(() => readNifti(small()))).toBe("nifti-volume-index");
    expect(await codeOfAsync(() => readNifti(small(), { volumeIndex: 3 }))).toBe("nifti-volume-index");
    expect(await codeOfAsync(() => readNifti(small(), { volumeIndex: -1 }))).toBe("nifti-volume-index");
    expect((await readNifti(small(), { volumeIndex: 2 })).values()[0]).toBe(16 * 2 - 1);
  });

  it("has a limit, which counts before anything is allocated", async () => {
    const read = (limits: InputLimits) => codeOfAsync(() => readNifti(small(), { volumeIndex: 0, limits }));
    expect(await read({ maxBytes: 375 })).toBe("nifti-too-large");
    expect(await read({ maxPixels: 3 })).toBe("nifti-too-large");
    expect(await read({ maxBytes: 0 })).toBe("input-limit");
    expect(await read({ maxBytes: 376, maxPixels: 4 })).toBeUndefined();
  });

  it("drops the alpha of RGBA32, and has no scale for colours", async () => {
    const file = nifti(
      1,
      true,
      2304,
      32,
      [2, 1, 1],
      (view, at) => view.setUint32(at, 0x01020304) ?? view.setUint32(at + 4, 0x05060708),
    );
    expect([...(await readNifti(file)).values()]).toEqual([1, 2, 3, 5, 6, 7]);
  });

  it("never holds more of a gzip file than the header asks for", async () => {
    const padded = new Uint8Array(50_000_000);
    padded.set(small());
    expect((await readNifti(new Uint8Array(gzipSync(padded)), { volumeIndex: 0 })).values()[7]).toBe(13);
  });

  it("skips whatever a gzip header may hold", async () => {
    const packed = gzipSync(small());
    const extra = [3, 0, 1, 2, 3, ...Buffer.from("name\0comment\0"), 7, 7];
    const file = Uint8Array.from([
      ...packed.subarray(0, 3),
      2 + 4 + 8 + 16,
      ...packed.subarray(4, 10),
      ...extra,
      ...packed.subarray(10),
    ]);
    expect((await readNifti(file, { volumeIndex: 0 })).values()[7]).toBe(13);
    for (let length = 3; length < file.length; length += 5) {
      expect(await codeOfAsync(() => readNifti(file.subarray(0, length), { volumeIndex: 0 }))).toBe("nifti-gzip");
    }
  });

  it("checks the sum of a gzip file", async () => {
    const packed = new Uint8Array(gzipSync(small(), { level: 0 }));
    packed[packed.length - 12] = packed[packed.length - 12]! ^ 1;
    expect(await codeOfAsync(() => readNifti(packed, { volumeIndex: 0 }))).toBe("nifti-gzip");
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });

  it("refuses an intercept that is not a number, and bits that do not fit", async () => {
    const inter = small();
    new DataView(inter.buffer).setFloat32(116, Number.NaN, true);
    expect(await codeOfAsync(() => readNifti(inter, { volumeIndex: 0 }))).toBe("nifti-header");
    const bits = small();
    new DataView(bits.buffer).setInt16(72, 16, true);
    expect(await codeOfAsync(() => readNifti(bits, { volumeIndex: 0 }))).toBe("nifti-datatype");
  });

  it("throws named errors only, whatever the bytes", async () => {
    const edits = fc.array(fc.tuple(fc.nat(375), fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(376), fc.boolean(), async (changes, length, gzip) => {
        const file = small();
        for (const [at, v] of changes) file[at] = v;
        const cut = file.subarray(0, 376 - (length % 40));
        await readNifti(gzip ? new Uint8Array(gzipSync(cut)) : cut, { volumeIndex: 0 }).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ProcessorError);
        });
      }),
    );
  });
});

describe("slices", () => {
  const volume = volumeOf([2, 3, 4], (i) => i);

  it("lie across their axis, by name or number", () => {
    expect([...volume.plane(2, 1).values]).toEqual([6, 8, 10, 7, 9, 11]);
    expect([...volume.plane(1, 1).values]).toEqual([2, 8, 14, 20, 3, 9, 15, 21]);
    expect([...volume.plane(0, 1).values]).toEqual([1, 7, 13, 19, 3, 9, 15, 21, 5, 11, 17, 23]);
    expect([axisNumber("axial"), axisNumber("coronal"), axisNumber("sagittal")]).toEqual([2, 1, 0]);
    expect(codeOf(() => axisNumber("frontal" as "axial"))).toBe("volume-axis");
    expect(codeOf(() => volume.plane(2, 4))).toBe("volume-slices");
  });

  it("are 180 by the repository's rule, all by HF's", () => {
    expect(sliceIndices(4, "repository").length).toBe(180);
    expect(sliceIndices(4, "hf")).toEqual([0, 1, 2, 3]);
    expect(sliceIndices(4, "hf", 4)).toEqual([0, 1, 2, 3]);
    expect(sliceIndices(4, "hf", 5)).toEqual([0, 1, 2, 3]);
    expect(sliceIndices(4, "repository", 5)).toEqual([0, 0, 1, 2, 3]);
    expect(sliceIndices(4, "hf", 3)).toEqual([0, 1, 3]);
    expect(sliceIndices(4, "repository", 1)).toEqual([0]);
    expect(codeOf(() => sliceIndices(4, "hf", 0))).toBe("volume-slices");
    expect([...streamSlices(volume, { rule: "hf" })].length).toBe(4);
  });

  it("that are constant wrap by one rule and are black by the other", () => {
    const plane = (v: number) => ({ rows: 1, cols: 2, values: Float64Array.of(v, v) });
    expect([300.9, -3.5, 7, -0.5].map((v) => scalePlane(plane(v), "repository")[1])).toEqual([44, 253, 7, 0]);
    expect([...scalePlane(plane(300), "hf")]).toEqual([0, 0]);
  });

  it("go by no third rule", () => {
    expect(codeOf(() => sliceIndices(4, "all" as "hf"))).toBe("volume-slices");
  });

  it("take a window by HF's rule only", () => {
    const plane = { rows: 1, cols: 4, values: Float64Array.of(-100, 40, 60, 500) };
    expect([...scalePlane(plane, "hf", { center: 50, width: 100 })]).toEqual([0, 102, 153, 255]);
    expect(codeOf(() => scalePlane(plane, "repository", { center: 50, width: 100 }))).toBe("volume-window");
    expect(codeOf(() => scalePlane(plane, "hf", { center: 50, width: 0 }))).toBe("volume-window");
  });

  it("draw what is not finite at the ends", () => {
    const values = Float64Array.of(Number.NaN, 1, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    expect([...scalePlane({ rows: 1, cols: 5, values }, "repository")]).toEqual([0, 0, 255, 255, 0]);
  });

  it("span 0 to 255 and keep the order of values", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -2000, max: 3000 }), { minLength: 2, maxLength: 30 }), (list) => {
        fc.pre(new Set(list).size > 1);
        const out = scalePlane({ rows: 1, cols: list.length, values: Float64Array.from(list) }, "repository");
        expect([Math.min(...out), Math.max(...out)]).toEqual([0, 255]);
        list.forEach((v, i) => {
          expect(list.every((w, j) => w <= v || out[j]! >= out[i]!)).toBe(true);
        });
      }),
    );
  });
});
