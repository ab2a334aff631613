import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { bytesOf, codeOfAsync, jsonOf, synthImage } from "../../test/helpers.js";
import { decodeFrames } from "./decode.js";
import { jpegDecoder } from "./jpeg.js";

const { files } = jsonOf<{ files: Record<string, { format?: string; expect: string }> }>("samples/goldens.json");
const own = (bytes: Uint8Array, maxPixels = 2 ** 26) => decodeFrames(bytes, { maxPixels, decoders: [jpegDecoder] });

/** The pixels of sharp, which is libjpeg-turbo; or both refuse the file by the same code. */
async function expectSharps(bytes: Uint8Array): Promise<void> {
  const code = await codeOfAsync(() => decodeFrames(bytes));
  expect(await codeOfAsync(() => own(bytes))).toBe(code);
  if (code !== undefined) return;
  const [{ frames: mine }, { frames: sharps }] = [await own(bytes), await decodeFrames(bytes)];
  expect([mine.length, mine[0]!.width, mine[0]!.height]).toEqual([1, sharps[0]!.width, sharps[0]!.height]);
  expect(Buffer.compare(mine[0]!.data, sharps[0]!.data)).toBe(0);
}

/** The file with another application segment than its first; none where `segment` is empty. */
function remarked(bytes: Uint8Array, segment: readonly number[]): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(4);
  return Uint8Array.from([0xff, 0xd8, ...segment, ...bytes.subarray(4 + length)]);
}
const adobe = (transform: number) => [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform];

describe("a JPEG file gives the pixels that sharp gives, to the bit", () => {
  const jpegs = Object.keys(files).filter((path) => files[path]!.format === "JPEG");
  test.each(jpegs)("%s", (path) => expectSharps(bytesOf(`samples/${path}`)));
  test("one that is cut is refused alike", () => expectSharps(bytesOf("samples/nasty/truncated.jpg")));

  test.each(["4:2:0", "4:4:4"])("%s, of odd sizes, sequential and progressive", async (chromaSubsampling) => {
    for (const [width, height] of [
      [1, 1],
      [2, 3],
      [17, 16],
      [33, 47],
      [130, 61],
    ] as const)
      for (const progressive of [true, false])
        for (const quality of [30, 95]) {
          const { data } = synthImage(height, width, quality);
          const raw = sharp(data, { raw: { width, height, channels: 3 } });
          await expectSharps(await raw.jpeg({ quality, chromaSubsampling, progressive }).toBuffer());
          await expectSharps(await raw.toColourspace("b-w").jpeg({ quality, progressive }).toBuffer());
        }
  });

  test("its colours are what its markers say, else its ids", async () => {
    const raw = sharp(synthImage(20, 24, 5).data, { raw: { width: 24, height: 20, channels: 3 } });
    const jfif = await raw.jpeg({ chromaSubsampling: "4:4:4" }).toBuffer();
    for (const segment of [[], adobe(0), adobe(1), adobe(2)]) await expectSharps(remarked(jfif, segment));
    const named = Uint8Array.from(remarked(jfif, []));
    const frame = named.findIndex((v, i) => v === 0xff && named[i + 1] === 0xc0);
    const scan = named.findIndex((v, i) => v === 0xff && named[i + 1] === 0xda);
    [82, 71, 66].forEach((id, i) => {
      named[frame + 10 + 3 * i] = id;
      named[scan + 5 + 2 * i] = id;
    });
    await expectSharps(named);
  });

  test("inks, with Adobe's marker and without", async () => {
    const cmyk = bytesOf("samples/nasty/cmyk.jpg");
    for (const segment of [[], adobe(0), adobe(1), adobe(2)]) await expectSharps(remarked(cmyk, segment));
  });
});

test("what is not read, or too large, or broken, is refused by name", async () => {
  const good = await sharp(synthImage(16, 16, 2).data, { raw: { width: 16, height: 16, channels: 3 } })
    .jpeg()
    .toBuffer();
  expect(await codeOfAsync(() => own(good, 255))).toBe("image-too-large");
  const frame = good.findIndex((v, i) => v === 0xff && good[i + 1] === 0xc0);
  const changed = (at: number, value: number) => Buffer.from(good).fill(value, frame + at, frame + at + 1);
  for (const marker of [0xc3, 0xc9]) expect(await codeOfAsync(() => own(changed(1, marker)))).toBe("image-unsupported");
  expect(await codeOfAsync(() => own(Buffer.from(changed(4, 12)).fill(0xc1, frame + 1, frame + 2)))).toBe(
    "image-unsupported",
  );
  expect(await codeOfAsync(() => own(changed(9, 9)))).toBe("image-corrupt");
  for (let at = 3; at < good.length; at += 7)
    expect(["image-corrupt", "image-unsupported"]).toContain(
      (await codeOfAsync(() => own(good.subarray(0, at)))) ?? "read",
    );
});
