import { deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { bytesOf, codeOfAsync, jsonOf, sha256 } from "../../test/helpers.js";
import { ProcessorError } from "../errors.js";
import { crc32 } from "../volume/gunzip.js";
import { decodeFrames, decodeImage } from "./decode.js";
import type { ImageDecoder } from "./decoder.js";
import { sniffImage } from "./sniff.js";

interface Rgb {
  sha256: string;
  mean: number;
  samples_xyrgb?: [number, number, number, number, number][];
}
interface Entry {
  kind: string;
  expect: string;
  mode?: string;
  size?: [number, number];
  rgb?: Rgb;
  native?: { sha256: string };
  frames_rgb?: { sha256: string; duration_ms: number }[];
}

const files = Object.entries(jsonOf<{ files: Record<string, Entry> }>("samples/goldens.json").files);
const pictures = files.filter(([, e]) => e.kind === "image");
const good = pictures.filter(([, e]) => e.expect === "decode");

describe("decodeImage gives Pillow's pixels", () => {
  it.each(good)("%s", async (path, e) => {
    const image = await decodeImage(bytesOf(`samples/${path}`));
    expect([image.width, image.height]).toEqual(e.size);
    if (e.mode === "I;16") {
      expect(sha256(new Uint8Array(image.grey16!.buffer))).toBe(e.native!.sha256);
      expect([...image.grey16!].every((v, i) => image.data[i * 3 + 2] === v >> 8)).toBe(true);
      const clipped = await decodeImage(bytesOf(`samples/${path}`), { grey16: "clip" });
      expect(sha256(clipped.data)).toBe(e.rgb!.sha256);
    } else if (e.rgb!.samples_xyrgb) {
      expectNear(image.data, image.width, e.rgb!);
    } else {
      expect(sha256(image.data)).toBe(e.rgb!.sha256);
    }
  });

  it("all frames of a GIF, and how long they are shown", async () => {
    const e = files.find(([path]) => path === "nasty/animated.gif")![1];
    const { frames, delays } = await decodeFrames(bytesOf("samples/nasty/animated.gif"));
    expect(frames.map((f) => sha256(f.data))).toEqual(e.frames_rgb!.map((f) => f.sha256));
    expect(delays).toEqual(e.frames_rgb!.map((f) => f.duration_ms));
    expect((await decodeFrames(bytesOf("samples/2d/ihc.png"))).frames.length).toBe(1);
  });
});

/** The rule of samples/README for JPEG decoders. */
function expectNear(data: Uint8Array, width: number, { mean, samples_xyrgb: samples }: Rgb): void {
  const off = samples!.flatMap(([x, y, ...rgb]) => rgb.map((v, c) => Math.abs(v - data[(y * width + x) * 3 + c]!)));
  expect(Math.max(...off)).toBeLessThanOrEqual(32);
  expect(off.filter((d) => d <= 4).length / off.length).toBeGreaterThanOrEqual(0.9);
  expect(Math.abs(data.reduce((a, b) => a + b, 0) / data.length - mean)).toBeLessThan(1);
}

describe("decodeImage refuses", () => {
  it.each(pictures.filter(([, e]) => e.expect.startsWith("reject")))("%s", async (path) => {
    const code = await codeOfAsync(() => decodeImage(bytesOf(`samples/${path}`)));
    expect(code).toMatch(/^image-(format|corrupt|too-large)$/);
  });

  it("a bomb by its header, with the limit in words", async () => {
    const start = performance.now();
    await expect(decodeImage(bytesOf("samples/nasty/bomb.png"))).rejects.toThrow(
      /24000 x 24000 is over the limit of 178956970/,
    );
    expect(performance.now() - start).toBeLessThan(2000);
    expect(await codeOfAsync(() => decodeImage(bytesOf("samples/2d/ihc.png"), { maxPixels: 512 * 512 - 1 }))).toBe(
      "image-too-large",
    );
    expect(
      await codeOfAsync(() => decodeImage(bytesOf("samples/2d/ihc.png"), { maxPixels: 512 * 512 })),
    ).toBeUndefined();
    const gif = bytesOf("samples/nasty/animated.gif");
    expect(await codeOfAsync(() => decodeFrames(gif, { maxPixels: 257 * 193 * 4 - 1 }))).toBe("image-too-large");
    expect(await codeOfAsync(() => decodeImage(gif, { maxPixels: 257 * 193 }))).toBeUndefined();
    // A screen that its pictures do not fill: sharp would take the size of the first picture.
    const screen = (side: number) => {
      const bytes = gif.slice();
      new DataView(bytes.buffer).setUint16(6, side, true);
      new DataView(bytes.buffer).setUint16(8, side, true);
      return bytes;
    };
    expect(await codeOfAsync(() => decodeImage(screen(65_535)))).toBe("image-too-large");
    expect(await codeOfAsync(() => decodeImage(screen(3000)))).toBe("image-corrupt");
  });

  it.each([
    "nasty/rgba.png",
    "nasty/gray.jpg",
    "nasty/lossless.webp",
    "nasty/gray16.tif",
    "nasty/rgb.bmp",
    "nasty/animated.gif",
  ])("%s cut anywhere before its last tenth", async (path) => {
    const bytes = bytesOf(`samples/${path}`);
    for (let i = 0; i <= 9; i++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * i) / 10));
      expect([i, await codeOfAsync(() => decodeFrames(cut))]).toEqual([i, expect.stringMatching(/^image-/)]);
    }
  });

  it("a format that no decoder reads", async () => {
    expect(await codeOfAsync(() => decodeImage(bytesOf("samples/2d/ihc.png"), { decoders: [] }))).toBe(
      "image-unsupported",
    );
  });
});

describe("CMYK", () => {
  it("becomes RGB by Pillow's formula", async () => {
    const bytes = bytesOf("samples/nasty/cmyk.jpg");
    const inks = await sharp(bytes).pipelineColourspace("cmyk").toColourspace("cmyk").raw().toBuffer();
    const { data } = await decodeImage(bytes);
    const expected = data.map((_, i) => {
      const at = Math.floor(i / 3) * 4;
      const white = 255 - inks[at + 3]!;
      return white - Math.round((inks[at + (i % 3)]! * white) / 255);
    });
    expect(sha256(data)).toBe(sha256(expected));
  });
});

describe("a colour profile", () => {
  it("is not applied", async () => {
    const plain = bytesOf("samples/nasty/one_pixel.png");
    const wide = await sharp(plain).withIccProfile("p3").png().toBuffer();
    const { icc } = await sharp(wide).metadata();
    const withProfile = insertChunk(plain, "iCCP", [...Buffer.from("p3\0\0"), ...deflateSync(icc!)]);
    expect((await sharp(withProfile).metadata()).hasProfile).toBe(true);
    expect((await decodeImage(withProfile)).data).toEqual((await decodeImage(plain)).data);
  });
});

/** A PNG with one more chunk after its header. */
function insertChunk(png: Uint8Array, type: string, data: readonly number[]): Uint8Array {
  const body = Uint8Array.from([...Buffer.from(type), ...data]);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, data.length);
  ends.setUint32(4, crc32(body));
  const [length, crc] = [new Uint8Array(ends.buffer, 0, 4), new Uint8Array(ends.buffer, 4, 4)];
  return Uint8Array.from([...png.subarray(0, 33), ...length, ...body, ...crc, ...png.subarray(33)]);
}

describe("a decoder is a value", () => {
  it("that takes the place of the default one", async () => {
    const one = { data: new Uint8Array(3), width: 1, height: 1 };
    const stub: ImageDecoder = { name: "stub", formats: ["png"], decode: async () => ({ frames: [one] }) };
    expect(await decodeImage(bytesOf("samples/2d/ihc.png"), { decoders: [stub] })).toBe(one);
  });
});

describe("sniffImage", () => {
  it("goes by the first bytes and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        sniffImage(bytes);
      }),
    );
    expect(sniffImage(bytesOf("samples/nasty/png_named.jpg"))).toBe("png");
    expect(sniffImage(new Uint8Array())).toBeUndefined();
  });
});

describe("bmp", () => {
  const header = (bits: number, width: number, height: number, compression: number, extra: number) => {
    const view = new DataView(new ArrayBuffer(54 + extra));
    view.setUint16(0, 0x424d);
    view.setUint32(14, 40, true);
    view.setInt32(18, width, true);
    view.setInt32(22, height, true);
    view.setUint16(28, bits, true);
    view.setUint32(30, compression, true);
    return view;
  };
  const pixels = async (view: DataView) => [...(await decodeImage(new Uint8Array(view.buffer))).data];

  it("reads palettes, bottom-up", async () => {
    const view = header(4, 3, 2, 0, 16 * 4 + 8);
    view.setUint32(10, 54 + 64, true);
    for (let i = 0; i < 16; i++) view.setUint32(54 + i * 4, 0x010203 * i, true);
    view.setUint32(54 + 64, 0x12300000);
    view.setUint32(54 + 68, 0x45f00000);
    const rgb = (i: number) => [i, 2 * i, 3 * i];
    expect(await pixels(view)).toEqual([4, 5, 15, 1, 2, 3].flatMap(rgb));
  });

  it("reads one bit per pixel, most significant first, top-down where the height is negative", async () => {
    const view = header(1, 3, -1, 0, 8 + 4);
    view.setUint32(10, 62, true);
    view.setUint32(58, 0xffffff, true);
    view.setUint8(62, 0b10100000);
    expect(await pixels(view)).toEqual([255, 255, 255, 0, 0, 0, 255, 255, 255]);
  });

  it("reads 16 bits (5-5-5) and bit fields (5-6-5, 8-8-8)", async () => {
    const five = header(16, 1, 1, 0, 4);
    five.setUint32(10, 54, true);
    five.setUint16(54, (31 << 10) | (16 << 5) | 1, true);
    expect(await pixels(five)).toEqual([255, 131, 8]);
    const six = header(16, 1, 1, 3, 16);
    six.setUint32(10, 66, true);
    [0xf800, 0x7e0, 0x1f].forEach((mask, i) => {
      six.setUint32(54 + 4 * i, mask, true);
    });
    six.setUint16(66, (31 << 11) | (32 << 5) | 1, true);
    expect(await pixels(six)).toEqual([255, 129, 8]);
    const eight = header(32, 1, 1, 3, 16);
    eight.setUint32(10, 66, true);
    [0xff000000, 0xff0000, 0xff00].forEach((mask, i) => {
      eight.setUint32(54 + 4 * i, mask, true);
    });
    eight.setUint32(66, 0x0a141eff, true);
    expect(await pixels(eight)).toEqual([10, 20, 30]);
  });

  it("never crashes on damaged headers", async () => {
    const sample = bytesOf("samples/nasty/rgb.bmp");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        async (edits) => {
          const bytes = sample.slice();
          for (const [at, value] of edits) bytes[at] = value;
          await decodeImage(bytes, { maxPixels: 1 << 20 }).catch((error: unknown) => {
            expect(error).toBeInstanceOf(ProcessorError);
          });
        },
      ),
    );
  });
});
