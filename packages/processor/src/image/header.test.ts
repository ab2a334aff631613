import sharp from "sharp";
import { expect, test } from "vitest";
import { bytesOf } from "../../test/helpers.js";
import { readHeader } from "./header.js";
import { sniffImage } from "./sniff.js";

const samples = [
  "2d/ihc.png",
  "2d/retina.jpg",
  "nasty/rgb16.png",
  "nasty/gray1bit.png",
  "nasty/cmyk.jpg",
  "nasty/exif6.jpg",
  "nasty/progressive_444.jpg",
  "nasty/lossless.webp",
  "nasty/animated.gif",
];
const read = (bytes: Uint8Array) => readHeader(bytes, sniffImage(bytes)!);

test.each(samples)("the header of %s says what libvips finds", async (name) => {
  const bytes = bytesOf(`samples/${name}`);
  const { width, height, pageHeight = height, channels, format, depth } = await sharp(bytes).metadata();
  const header = read(bytes);
  expect(header).toMatchObject({ width, height: pageHeight });
  if (format === "jpeg") expect(header?.components).toBe(channels);
  if (format === "png" && depth === "ushort") expect(header?.bits).toBe(16);
});

const base = () => sharp({ create: { width: 300, height: 17, channels: 4, background: "#12345678" } });
test.each([
  ["lossy", () => base().removeAlpha().webp()],
  ["lossy with alpha", () => base().webp()],
  ["lossless", () => base().webp({ lossless: true })],
])("a %s WebP", async (_, make) => {
  expect(read(new Uint8Array(await make().toBuffer()))).toMatchObject({ width: 300, height: 17 });
});

test("a file that ends before its header has none, wherever it ends", () => {
  for (const name of samples) {
    const bytes = bytesOf(`samples/${name}`);
    const format = sniffImage(bytes)!;
    const whole = readHeader(bytes, format);
    for (let end = 0; end < 64; end++)
      expect([undefined, whole], `${name} to ${end}`).toContainEqual(readHeader(bytes.subarray(0, end), format));
    expect(readHeader(bytes.subarray(0, 12), format)).toEqual(format === "gif" ? whole : undefined);
  }
});

test("a header of no pixels is none, nor is one of another kind of file", () => {
  const png = Uint8Array.from(bytesOf("samples/2d/ihc.png"));
  png.fill(0, 16, 20);
  expect(readHeader(png, "png")).toBeUndefined();
  expect(readHeader(bytesOf("samples/nasty/rgb.bmp"), "bmp")).toBeUndefined();
  expect(readHeader(new Uint8Array(64).fill(0xff), "jpeg")).toBeUndefined();
});
