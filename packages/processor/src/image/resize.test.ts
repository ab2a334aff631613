import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, codeOf, jsonOf, sha256, synthImage, tensorsOf } from "../../test/helpers.js";
import { decodeImage } from "./decode.js";
import { resizeBicubic } from "./resize.js";

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
    const pillow11 = resizeBicubic(image, { width, height }, { passOrder: "pillow11" });
    expect(sha256(pillow11.data)).toBe(await expected(r.output));
    const pillow13 = resizeBicubic(image, { width, height });
    expect(sha256(pillow13.data)).toBe(await expected(r.pillow_13?.output ?? r.output));
    if (r.pillow_13) expect(sha256(pillow13.data)).not.toBe(sha256(pillow11.data));
  });
});

describe("resizeBicubic", () => {
  const side = fc.integer({ min: 1, max: 40 });

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
