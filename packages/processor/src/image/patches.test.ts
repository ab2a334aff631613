import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, jsonOf, sha256, synthImage, tensorsOf } from "../../test/helpers.js";
import { DEFAULT_CONFIG, type PreprocessorConfig } from "../config.js";
import { framePatches, itemSizes, mergeOrder, patchify, preprocess, streamPatches } from "./patches.js";
import { resizeBicubic } from "./resize.js";
import type { RgbImage } from "./rgb.js";

interface Case {
  id: string;
  height: number;
  width: number;
  seed: number;
  input_sha256: string;
  patch_size: number;
  merge_size: number;
  kind: "array" | "pil";
  max_tokens: number;
  min_tokens: number;
  mean: [number, number, number];
  std: [number, number, number];
  grid: [number, number, number];
  resized: [number, number];
  resized_sha256: string;
  rows: number;
  sum: number;
  abs_sum: number;
  sample_rows?: number[];
}

const cases = jsonOf<Case[]>("goldens/imageproc/imageproc.json");
const tensors = tensorsOf("goldens/imageproc/imageproc.safetensors");

describe("the released image processor", () => {
  it.each(cases.map((c) => [c.id, c] as const))("%s", (id, c) => {
    const image = synthImage(c.height, c.width, c.seed);
    expect(sha256(image.data)).toBe(c.input_sha256);
    const config: PreprocessorConfig = {
      ...DEFAULT_CONFIG,
      patchSize: c.patch_size,
      minTokens: c.min_tokens,
      maxTokens: c.max_tokens,
      mean: c.mean,
      std: c.std,
    };
    const aspect = c.kind === "pil" ? "transposed" : "true";
    const items = [{ frames: [image], merge: c.merge_size }];
    const [size] = itemSizes(items, config, aspect);
    expect([size!.height, size!.width]).toEqual(c.resized);
    const resized = resizeBicubic(image, size!);
    expect(sha256(resized.data)).toBe(c.resized_sha256);
    if (tensors.has(`${id}/resized`)) expect(resized.data).toEqual(tensors.u8(`${id}/resized`));

    const [patches] = preprocess(items, config, { aspect });
    expect(patches).toMatchObject({ grid: c.grid, merge: c.merge_size, patchSize: c.patch_size });
    const { pixels } = patches!;
    const columns = 3 * c.patch_size ** 2;
    expect(pixels.length).toBe(c.rows * columns);
    expect(sum(pixels)).toBeCloseTo(c.sum, 6);
    expect(sum(pixels.map(Math.abs))).toBeCloseTo(c.abs_sum, 6);
    if (tensors.has(`${id}/pixel_values`)) expect(equal(pixels, tensors.f32(`${id}/pixel_values`))).toBe(true);
    const rows = tensors.has(`${id}/rows`) ? tensors.f32(`${id}/rows`) : new Float32Array();
    c.sample_rows?.forEach((row, i) => {
      const got = pixels.subarray(row * columns, (row + 1) * columns);
      expect(equal(got, rows.subarray(i * columns, (i + 1) * columns))).toBe(true);
    });
  });
});

describe("preprocess", () => {
  const config: PreprocessorConfig = { ...DEFAULT_CONFIG, patchSize: 4, minTokens: 1 };

  it("gives all frames of an item the first one's size, frame by frame", () => {
    const frames = [synthImage(20, 28, 1), synthImage(33, 21, 2)];
    const [patches] = preprocess([{ frames, merge: 1 }], config);
    const [size] = itemSizes([{ frames, merge: 1 }], config);
    expect(patches!.grid).toEqual([2, 5, 7]);
    const streamed = [...streamPatches(frames, size!, 1, config)];
    expect(streamed.map(({ h, w }) => [h, w])).toEqual([
      [5, 7],
      [5, 7],
    ]);
    expect(equal(patches!.pixels, Float32Array.from(streamed.flatMap((f) => [...f.pixels])))).toBe(true);
    expect(equal(framePatches(frames[1]!, size!, 1, config).pixels, streamed[1]!.pixels)).toBe(true);
  });

  it("names what is wrong", () => {
    expect(codeOf(() => preprocess([{ frames: [], merge: 1 }], config))).toBe("video-frames");
    expect(codeOf(() => patchify(synthImage(8, 8, 1), 3, config))).toBe("image-shape");
    const bad = { ...synthImage(8, 8, 1), width: 9 };
    expect(codeOf(() => preprocess([{ frames: [bad], merge: 1 }], config))).toBe("image-shape");
  });
});

describe("patchify", () => {
  it("fills an array that has room for just as many values, and leaves any other alone", () => {
    const image = synthImage(28, 28, 1);
    const config = DEFAULT_CONFIG;
    const { pixels } = patchify(image, 1, config);
    const room = new Float32Array(pixels.length).fill(9);
    expect(patchify(image, 1, config, room).pixels).toBe(room);
    expect(equal(room, pixels)).toBe(true);
    const other = new Float32Array(pixels.length + 1).fill(9);
    expect(equal(patchify(image, 1, config, other).pixels, pixels)).toBe(true);
    expect(other.every((x) => x === 9)).toBe(true);
  });

  it("is a reordering: every pixel lands at its place in merge-block order", () => {
    const shape = fc.record({ rows: fc.integer({ min: 1, max: 3 }), cols: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(99),
        ({ rows, cols }, m, p, seed) => {
          const image = synthImage(rows * m * p, cols * m * p, seed);
          const config = { ...DEFAULT_CONFIG, patchSize: p, mean: [0, 0, 0], std: [1, 1, 1] } as const;
          const { pixels, h, w } = patchify(image, m, config);
          expect([h, w]).toEqual([rows * m, cols * m]);
          expect(inverse(pixels, h, w, m, p)).toEqual(image.data);
        },
      ),
    );
  });

  it("walks blocks row by row, and inside a block row by row", () => {
    expect([...mergeOrder(2, 4, 2)]).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
    ]);
  });
});

/** An index formula written apart from the code under test: row number -> frame position. */
function inverse(pixels: Float32Array, h: number, w: number, m: number, p: number): RgbImage["data"] {
  const data = new Uint8Array(h * w * p * p * 3);
  const columns = 3 * p * p;
  for (let i = 0; i < pixels.length; i++) {
    const row = Math.floor(i / columns);
    const [c, y, x] = [Math.floor((i % columns) / (p * p)), Math.floor((i % (p * p)) / p), i % p];
    const block = Math.floor(row / (m * m));
    const patchRow = Math.floor(block / (w / m)) * m + Math.floor((row % (m * m)) / m);
    const patchCol = (block % (w / m)) * m + (row % m);
    data[((patchRow * p + y) * w * p + patchCol * p + x) * 3 + c] = Math.round(pixels[i]! * 255);
  }
  return data;
}

function sum(values: Float32Array): number {
  return values.reduce((a, b) => a + b, 0);
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

describe("a call that would come out too large", () => {
  it("is refused before anything is allocated", () => {
    const frame: RgbImage = { data: new Uint8Array(3 * 8 * 8), width: 8, height: 8 };
    const config = { ...DEFAULT_CONFIG, patchSize: 16 };
    const item = { frames: [frame, frame, frame], merge: 256 };
    expect(itemSizes([item], config)).toEqual([{ height: 16384, width: 16384 }]);
    expect(() => preprocess([item], config)).toThrow("805306368 pixels together");
    expect(codeOf(() => preprocess([item], config))).toBe("image-size");
    expect(codeOf(() => preprocess([{ frames: [frame], merge: 1e9 }], config))).toBe("image-size");
  });
});
