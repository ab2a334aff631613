import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, codeOf, jsonOf, sha256, synthImage, tensorsOf } from "../../test/helpers.js";
import { decodeImage } from "./decode.js";
import { cubic } from "./kernel.js";
import { frameResizer, resizeBicubic, resizeBy } from "./resize.js";
import { scalarPasses } from "./resize-scalar.js";
import { simdPasses } from "./resize-simd.js";
import type { RgbImage } from "./rgb.js";

interface Resize {
  input: string;
  output: string;
  to: [number, number];
  pillow_13?: { output: string };
}

describe("resizeBicubic equals Pillow byte for byte", () => {
  const tensors = tensorsOf("goldens/imageproc/imageproc.safetensors");
  const input = { data: tensors.u8("resize/input"), width: 210, height: 150 };

  it.each(["150x40", "196x280", "64x96"])("goldens %s", (name) => {
    const [height, width] = name.split("x").map(Number) as [number, number];
    expect(resizeBicubic(input, { width, height }).data).toEqual(tensors.u8(`resize/${name}`));
  });

  const { resize } = jsonOf<{ resize: Resize[] }>("samples/goldens.json");
  it.each(resize.map((r) => [r.output, r] as const))("%s", async (_, r) => {
    const image = await decodeImage(bytesOf(`samples/${r.input}`));
    const [width, height] = r.to;
    const expected = async (path: string) => sha256((await decodeImage(bytesOf(`samples/${path}`))).data);
    const pillow12 = resizeBicubic(image, { width, height }, { passOrder: "pillow12" });
    expect(sha256(pillow12.data)).toBe(await expected(r.output));
    const pillow13 = resizeBicubic(image, { width, height });
    expect(sha256(pillow13.data)).toBe(await expected(r.pillow_13?.output ?? r.output));
    if (r.pillow_13) expect(sha256(pillow13.data)).not.toBe(sha256(pillow12.data));
  });
});

/** The filter as it is written down: a weighted mean in float64 of every input sample, one axis after the other. */
function byDefinition(values: Float64Array, from: number, to: number, at: (i: number) => number): Float64Array {
  const scale = Math.max(from / to, 1);
  const out = new Float64Array(to);
  for (let i = 0; i < to; i++) {
    let sum = 0;
    let total = 0;
    const center = ((i + 0.5) * from) / to;
    for (let k = 0; k < from; k++) {
      const weight = cubic((k + 0.5 - center) / scale);
      sum += weight * values[at(k)]!;
      total += weight;
    }
    out[i] = sum / total;
  }
  return out;
}

/** Both axes in float64, nothing rounded or clipped between them. */
function exactly({ data, width, height }: RgbImage, size: { width: number; height: number }): Float64Array {
  const wide = new Float64Array(height * size.width * 3);
  const all = Float64Array.from(data);
  for (let y = 0; y < height; y++)
    for (let c = 0; c < 3; c++)
      byDefinition(all, width, size.width, (x) => (y * width + x) * 3 + c).forEach((v, x) => {
        wide[(y * size.width + x) * 3 + c] = v;
      });
  const out = new Float64Array(size.height * size.width * 3);
  for (let at = 0; at < size.width * 3; at++)
    byDefinition(wide, height, size.height, (y) => y * size.width * 3 + at).forEach((v, y) => {
      out[y * size.width * 3 + at] = v;
    });
  return out;
}

const farthest = (bytes: Uint8Array, exact: Float64Array) =>
  bytes.reduce((most, v, i) => Math.max(most, Math.abs(v - exact[i]!)), 0);

describe("resizeBicubic", () => {
  const side = fc.integer({ min: 1, max: 40 });

  it("is Keys' filter: with one axis the same, within the rounding of the last step", () => {
    fc.assert(
      fc.property(side, side, side, fc.boolean(), fc.nat(99), (h, w, other, turn, seed) => {
        const image = synthImage(h, w, seed);
        const size = turn ? { width: other, height: h } : { width: w, height: other };
        const exact = exactly(image, size);
        const { data } = resizeBicubic(image, size);
        // Half a step of the byte, and what weights rounded to 22 bits add up to.
        const clipped = exact.map((v) => Math.min(255, Math.max(0, v)));
        expect(farthest(data, clipped)).toBeLessThan(0.5 + 0.01);
      }),
    );
  });

  it("is Keys' filter: with both axes, within the rounding between them", () => {
    fc.assert(
      fc.property(side, side, side, side, fc.nat(99), (h, w, height, width, seed) => {
        const image = synthImage(h, w, seed);
        // In the middle of the range nothing is clipped between the passes.
        image.data.forEach((v, i) => {
          image.data[i] = 96 + (v >> 2);
        });
        const exact = exactly(image, { width, height });
        // A first pass is off by half a step, and the weights of the second add up to at most 1.25 in size.
        expect(farthest(resizeBicubic(image, { width, height }).data, exact)).toBeLessThan(0.5 + 0.625 + 0.01);
      }),
    );
  });

  it("runs in WebAssembly to the same bytes as in JavaScript", () => {
    const simd = simdPasses();
    if (simd === undefined) throw new Error("Node has WebAssembly with SIMD");
    const long = fc.oneof(side, fc.integer({ min: 1, max: 700 }));
    fc.assert(
      fc.property(
        side,
        long,
        side,
        long,
        fc.boolean(),
        fc.boolean(),
        fc.nat(99),
        (h, w, height, width, turn, first, seed) => {
          const image = turn ? synthImage(w, h, seed) : synthImage(h, w, seed);
          const size = turn ? { width: height, height: width } : { width, height };
          expect(resizeBy(simd, image, size, first).data).toEqual(resizeBy(scalarPasses, image, size, first).data);
        },
      ),
    );
  });

  it.each([
    { from: [3, 600_001], to: [2, 7] },
    { from: [2500, 1300], to: [900, 1300] },
    { from: [2500, 1300], to: [2500, 400] },
  ])("in bands too, where a picture is larger than the module's memory: $from to $to", ({ from, to }) => {
    const image = synthImage(from[0]!, from[1]!, 7);
    const size = { height: to[0]!, width: to[1]! };
    const simd = resizeBy(simdPasses()!, image, size, false);
    expect(sha256(simd.data)).toBe(sha256(resizeBy(scalarPasses, image, size, false).data));
  });

  it("of a clip's frames, one after another, is that of each alone", () => {
    const size = { width: 40, height: 56 };
    for (const passOrder of ["pillow13", "pillow12"] as const) {
      const resize = frameResizer(size, { passOrder });
      for (const [height, width] of [
        [90, 60],
        [20, 200],
        [90, 60],
        [56, 40],
        [300, 30],
      ] as const) {
        const image = synthImage(height, width, height);
        expect(resize(image)).toEqual(resizeBicubic(image, size, { passOrder }));
      }
      expect(() => resize({ ...synthImage(4, 4, 1), width: 5 })).toThrow(
        expect.objectContaining({ code: "image-shape" }),
      );
    }
    expect(() => frameResizer({ width: 0, height: 4 })).toThrow(expect.objectContaining({ code: "image-size" }));
  });

  it("to the same size changes nothing", () => {
    fc.assert(
      fc.property(side, side, fc.nat(99), (height, width, seed) => {
        const image = synthImage(height, width, seed);
        expect(resizeBicubic(image, { width, height }).data).toEqual(image.data);
      }),
    );
  });

  it("keeps a constant picture constant, up to the rounding of the weights", () => {
    fc.assert(
      fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (h, w, height, width, v) => {
        const image = { data: new Uint8Array(h * w * 3).fill(v), width: w, height: h };
        const out = resizeBicubic(image, { width, height });
        expect(out).toMatchObject({ width, height });
        expect([...out.data].every((b) => b === v)).toBe(true);
      }),
    );
  });

  it("mirrors with its input", () => {
    fc.assert(
      fc.property(side, side, side, side, fc.nat(99), (h, w, height, width, seed) => {
        const image = synthImage(h, w, seed);
        const turned = (data: Uint8Array) => {
          const out = data.slice().reverse();
          for (let i = 0; i < out.length; i += 3) out.subarray(i, i + 3).reverse();
          return out;
        };
        const there = resizeBicubic({ ...image, data: turned(image.data) }, { width, height });
        const back = turned(resizeBicubic(image, { width, height }).data);
        // Weights are not symmetric to the last bit, so a rounding may fall the other way.
        expect(there.data.every((v, i) => Math.abs(v - back[i]!) <= 1)).toBe(true);
      }),
    );
  });

  it("refuses what has no size", () => {
    const image = synthImage(4, 4, 1);
    expect(codeOf(() => resizeBicubic(image, { width: 0, height: 4 }))).toBe("image-size");
    expect(codeOf(() => resizeBicubic(image, { width: 4, height: 1.5 }))).toBe("image-size");
    expect(codeOf(() => resizeBicubic({ ...image, height: 5 }, { width: 4, height: 4 }))).toBe("image-shape");
  });
});
