import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeFrame, type PixelFormat } from "./index.js";

const RLE = "1.2.840.10008.1.2.5";
const corrupt = expect.objectContaining({ name: "ProcessorError", code: "dicom-corrupt" });
const grey: PixelFormat = {
  rows: 2,
  columns: 3,
  samples: 1,
  bitsAllocated: 8,
  bitsStored: 8,
  signed: false,
  photometric: "MONOCHROME2",
  planar: 0,
};

/** PackBits: a run where two bytes are equal, else bytes as they are; a no-op now and then. */
function packed(plane: readonly number[]): number[] {
  const out: number[] = [];
  for (let i = 0; i < plane.length; ) {
    let run = 1;
    while (run < 128 && plane[i + run] === plane[i]) run++;
    if (run > 1) out.push(257 - run, plane[i]!);
    else {
      while (run < 128 && i + run < plane.length && plane[i + run] !== plane[i + run - 1]) run++;
      out.push(run - 1, ...plane.slice(i, i + run), 128);
    }
    i += run;
  }
  return out;
}

function stream(segments: readonly (readonly number[])[], count = segments.length): Uint8Array {
  const header = new DataView(new ArrayBuffer(64));
  header.setUint32(0, count, true);
  let at = 64;
  segments.forEach((segment, i) => {
    header.setUint32(4 + 4 * i, at, true);
    at += segment.length;
  });
  return Uint8Array.from([...new Uint8Array(header.buffer), ...segments.flat()]);
}

/** A segment for each byte of each sample, the most significant first, padded to an even length. */
function encode(values: readonly number[], samples: number, bytes: number): Uint8Array {
  const segments = Array.from({ length: samples * bytes }, (_, i) => {
    const shift = 8 * (bytes - 1 - (i % bytes));
    const of = values.filter((_, k) => k % samples === Math.floor(i / bytes));
    const segment = packed(of.map((v) => (v >>> shift) & 255));
    return segment.length % 2 ? [...segment, 0] : segment;
  });
  return stream(segments);
}

const inputs = fc
  .record({
    rows: fc.integer({ min: 1, max: 9 }),
    columns: fc.integer({ min: 1, max: 40 }),
    samples: fc.constantFrom<(1 | 3)[]>(1, 3),
    bytes: fc.constantFrom(1, 2, 4),
    signed: fc.boolean(),
    spare: fc.integer({ min: 0, max: 7 }),
  })
  .chain((size) => {
    const bits = 8 * size.bytes - size.spare;
    const [min, max] = size.signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
    const value = fc.oneof(fc.constantFrom(min, 0, max), fc.integer({ min, max }));
    const length = size.rows * size.columns * size.samples;
    return fc.record({
      size: fc.constant({ ...size, bits }),
      values: fc.array(value, { minLength: length, maxLength: length }),
    });
  });

describe("RLE", () => {
  test("gives back what was packed, in every width, with sign and without", async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async ({ size, values }) => {
        const { bytes, bits, spare, ...format } = size;
        const frame = await decodeFrame(RLE, encode(values, size.samples, bytes), {
          ...format,
          bitsAllocated: 8 * bytes,
          bitsStored: bits,
          photometric: size.samples === 1 ? "MONOCHROME2" : "RGB",
          planar: 1,
        });
        expect([...frame.samples]).toEqual(values);
        expect(frame.samples.BYTES_PER_ELEMENT).toBe(bytes);
        expect(frame.colour).toBe(size.samples === 1 ? "grey" : "rgb");
      }),
    );
  });

  test("unused bits are not the sample's", async () => {
    const format = { ...grey, bitsAllocated: 16, bitsStored: 12 };
    const encoded = encode([0xf001, 0x0fff, 0x8800, 0, 1, 2], 1, 2);
    expect([...(await decodeFrame(RLE, encoded, format)).samples]).toEqual([1, 4095, 2048, 0, 1, 2]);
    expect([...(await decodeFrame(RLE, encoded, { ...format, signed: true })).samples]).toEqual([
      1, -1, -2048, 0, 1, 2,
    ]);
  });

  test("what is behind a full plane is padding; a run may reach into it", async () => {
    for (const segment of [
      [5, 1, 2, 3, 4, 5, 6, 0, 0, 0],
      [251, 7, 9, 9],
      [2, 1, 2, 3, 0x81, 4],
    ]) {
      const { samples } = await decodeFrame(RLE, stream([segment]), grey);
      expect(samples.length).toBe(6);
    }
  });

  test("every cut is refused", async () => {
    const whole = encode(
      Array.from({ length: 60 }, (_, i) => (i < 20 ? 7 : (i * i) % 65_521)),
      1,
      2,
    );
    const format = { ...grey, rows: 6, columns: 10, bitsAllocated: 16, bitsStored: 16 };
    expect((await decodeFrame(RLE, whole, format)).samples[0]).toBe(7);
    // The last two are a no-op and a byte of padding, or nothing but padding.
    for (let length = 0; length < whole.length - 2; length++)
      await expect(decodeFrame(RLE, whole.subarray(0, length), format)).rejects.toThrow(corrupt);
  });

  test("a header that does not fit is refused before anything is allocated", async () => {
    const planes = [[5, 1, 2, 3, 4, 5, 6]];
    await expect(decodeFrame(RLE, stream(planes, 2), grey)).rejects.toThrow("2 segments; 1 would be right");
    await expect(decodeFrame(RLE, stream(planes, 0xffffffff), grey)).rejects.toThrow(corrupt);
    const outside = stream(planes);
    new DataView(outside.buffer).setUint32(4, 4_000_000_000, true);
    await expect(decodeFrame(RLE, outside, grey)).rejects.toThrow(corrupt);
    await expect(decodeFrame(RLE, stream(planes), { ...grey, rows: 65_535, columns: 65_535 })).rejects.toThrow(corrupt);
    await expect(decodeFrame(RLE, stream(planes), { ...grey, bitsAllocated: 12 })).rejects.toThrow(corrupt);
    await expect(decodeFrame(RLE, stream(planes), { ...grey, photometric: "RGB" })).rejects.toThrow(corrupt);
  });
});
