import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { bytesOf, codeOfAsync, jsonOf, synthImage } from "../../test/helpers.js";
import { crc32 } from "../volume/gunzip.js";
import { decodeFrames } from "./decode.js";
import type { Grey16Rule } from "./decoder.js";
import { pngDecoder } from "./png.js";

const { files } = jsonOf<{ files: Record<string, { format?: string }> }>("samples/goldens.json");
const own = (bytes: Uint8Array, grey16: Grey16Rule = "high-byte", maxPixels = 2 ** 26) =>
  decodeFrames(bytes, { grey16, maxPixels, decoders: [pngDecoder] });

async function expectSharps(bytes: Uint8Array): Promise<void> {
  for (const grey16 of ["high-byte", "clip"] as const) {
    const [{ frames: mine }, { frames: sharps }] = [await own(bytes, grey16), await decodeFrames(bytes, { grey16 })];
    expect([mine.length, mine[0]!.width, mine[0]!.height]).toEqual([1, sharps[0]!.width, sharps[0]!.height]);
    expect(Buffer.compare(mine[0]!.data, sharps[0]!.data)).toBe(0);
    expect(mine[0]!.grey16).toEqual(sharps[0]!.grey16);
  }
}

function chunk(name: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(new TextEncoder().encode(name), 4);
  out.set(body, 8);
  view.setUint32(8 + body.length, crc32(out.subarray(4, 8 + body.length)));
  return out;
}

/** A file of a header (width, height, depth, colour, interlace), and rows with their filters before them. */
function png(header: readonly number[], rows: Uint8Array, more: readonly Uint8Array[] = []): Uint8Array {
  const [width = 0, height = 0, depth = 8, colour = 2, interlace = 0] = header;
  const ihdr = new Uint8Array(13);
  const view = new DataView(ihdr.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  ihdr.set([depth, colour, 0, 0, interlace], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10);
  const idat = chunk("IDAT", deflateSync(rows));
  return Buffer.concat([signature, chunk("IHDR", ihdr), ...more, idat, chunk("IEND", new Uint8Array())]);
}

describe("a PNG file gives the pixels that sharp gives", () => {
  const pngs = Object.keys(files).filter((path) => files[path]!.format === "PNG" && !path.includes("badcrc"));
  test.each(pngs)("%s", (path) => expectSharps(bytesOf(`samples/${path}`)));

  const { data, width, height } = synthImage(37, 29, 3);
  const raw = () => sharp(data, { raw: { width, height, channels: 3 } });
  const kinds = {
    grey: () => raw().toColourspace("b-w"),
    "grey and alpha": () => raw().toColourspace("b-w").ensureAlpha(0.3),
    rgb: raw,
    rgba: () => raw().ensureAlpha(0.7),
    "grey of 16 bits": () => raw().toColourspace("grey16"),
    "rgb of 16 bits": () => raw().toColourspace("rgb16"),
    "rgba of 16 bits": () => raw().ensureAlpha(0.5).toColourspace("rgb16"),
  };
  test.each(Object.entries(kinds))("%s, interlaced and not", async (_, make) => {
    for (const options of [{ progressive: true }, { progressive: false }, { adaptiveFiltering: true }])
      await expectSharps(await make().png(options).toBuffer());
  });
  test.each([2, 4, 16, 200])("a palette of %i colours, interlaced and not", async (colours) => {
    for (const progressive of [true, false])
      await expectSharps(await raw().png({ palette: true, colours, progressive, dither: 0 }).toBuffer());
  });

  test.each([1, 2, 4] as const)("grey of %i bits, in all sizes that interlacing tells apart", async (depth) => {
    for (let side = 1; side <= 9; side++) {
      const row = Math.ceil((side * depth) / 8);
      const rows = Uint8Array.from({ length: side * (row + 1) }, (_, i) => (i % (row + 1) === 0 ? 0 : (i * 89) & 255));
      await expectSharps(png([side, side, depth, 0], rows));
    }
    for (const [width, height] of [
      [1, 1],
      [4, 1],
      [5, 5],
      [9, 9],
    ] as const)
      await expectSharps(await interlaced(width, height));
  });
  const interlaced = (width: number, height: number) =>
    sharp(synthImage(height, width, 1).data, { raw: { width, height, channels: 3 } })
      .png({ progressive: true })
      .toBuffer();

  test("every filter, also on the first row", async () => {
    for (let filter = 0; filter <= 4; filter++) {
      const rows = Uint8Array.from({ length: 4 * 10 }, (_, i) => (i % 10 === 0 ? filter : (i * 61) & 255));
      await expectSharps(png([3, 4, 8, 2], rows));
      await expectSharps(png([9, 4, 8, 0], rows));
    }
  });

  test("broken ones are refused as sharp refuses them, or read the same", async () => {
    const good = await raw().png().toBuffer();
    let refused = 0;
    for (let at = 8; at < good.length; at += 13) {
      for (const bad of [good.subarray(0, at), Buffer.from(good).fill(good[at]! ^ 0x41, at, at + 1)]) {
        const [mine, sharps] = [await codeOfAsync(() => own(bad)), await codeOfAsync(() => decodeFrames(bad))];
        if (mine === undefined && sharps === undefined) await expectSharps(bad);
        if (mine !== undefined) refused++;
        expect(["image-corrupt", "image-too-large", undefined]).toContain(mine);
      }
    }
    expect(refused).toBeGreaterThan(good.length / 10);
  });
});

describe("a file that lies is refused", () => {
  const row = Uint8Array.of(0, 1, 2, 3);
  test.each([
    ["no such depth", png([1, 1, 3, 2], row)],
    ["no such colour", png([1, 1, 8, 5], row)],
    ["16 bits in a palette", png([1, 1, 16, 3], row)],
    ["no width", png([0, 1, 8, 2], row)],
    ["a sign in its size", png([2 ** 31, 1, 8, 2], row)],
    ["no such interlacing", png([1, 1, 8, 2, 2], row)],
    ["no such filter", png([1, 1, 8, 2], Uint8Array.of(5, 1, 2, 3))],
    ["no palette", png([1, 1, 8, 3], Uint8Array.of(0, 1))],
    ["an index beyond it", png([1, 1, 8, 3], Uint8Array.of(0, 1), [chunk("PLTE", Uint8Array.of(1, 2, 3))])],
    ["a part that must be known", png([1, 1, 8, 2], row, [chunk("ABCD", row)])],
    ["too few rows", png([1, 2, 8, 2], row)],
    ["more pixels than its bytes can hold", png([8000, 8000, 8, 2], row)],
    ["no header", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)],
  ])("%s", async (_, bytes) => {
    expect(await codeOfAsync(() => own(bytes))).toBe("image-corrupt");
  });

  test("before anything of its size is allocated, and not unpacked beyond its rows", async () => {
    expect(await codeOfAsync(() => own(png([9000, 9000, 8, 2], row)))).toBe("image-too-large");
    const bomb = png([1, 1, 8, 2], Buffer.concat([row, Buffer.alloc(2 ** 27)]));
    const before = process.memoryUsage().arrayBuffers;
    const start = performance.now();
    expect([...(await own(bomb)).frames[0]!.data]).toEqual([1, 2, 3]);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });

  test("what a picture can do without may be damaged or unknown", async () => {
    const odd = chunk("teXt", row);
    odd[9] = 77;
    expect([...(await own(png([1, 1, 8, 2], row, [odd, chunk("aBCD", row)]))).frames[0]!.data]).toEqual([1, 2, 3]);
  });
});
