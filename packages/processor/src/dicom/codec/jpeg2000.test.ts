import { describe, expect, test, vi } from "vitest";
import { damaged, decodeGiven, described, framesOf, type GivenFrame } from "../../../test/codec-frames.js";
import { decodeFrame } from "./index.js";

const corrupt = expect.objectContaining({ name: "ProcessorError", code: "dicom-corrupt" });
const unread = expect.objectContaining({ name: "ProcessorError", code: "dicom-transfer-syntax" });
const frames = [...framesOf("j2k"), ...framesOf("htj2k")];
const [plain] = framesOf("j2k 12 bits") as [GivenFrame];

/** `bytes` with others from `at` on. */
function patched(bytes: Uint8Array, at: number, others: readonly number[]): Uint8Array {
  const out = bytes.slice();
  out.set(others, at);
  return out;
}

/** Where a marker stands. */
function markerAt(bytes: Uint8Array, marker: number): number {
  const at = bytes.findIndex((v, i) => v === marker >> 8 && bytes[i + 1] === (marker & 255));
  expect(at).toBeGreaterThan(0);
  return at;
}

describe.each(frames.map((frame) => [frame.name, frame] as const))("%s", (_, frame) => {
  test("gives the samples that were encoded", async () => {
    const decoded = await decodeGiven(frame);
    expect(described(decoded)).toEqual({ dtype: frame.dtype, sha256: frame.sha256 });
    expect(decoded.colour).toBe(frame.samples === 1 ? "grey" : "rgb");
  });

  test("is refused wherever it is cut", async () => {
    const step = Math.ceil(frame.encoded.length / 40);
    for (let length = 0; length < frame.encoded.length - 2; length += step)
      await expect(decodeGiven(frame, frame.encoded.subarray(0, length))).rejects.toThrow(corrupt);
  });

  test("damaged, it is decoded or refused by name, and the next one is right", async () => {
    for (let seed = 0; seed < 25; seed++) {
      const outcome = await decodeGiven(frame, damaged(frame.encoded, seed)).catch((error: unknown) => error);
      expect(outcome).toEqual(
        outcome instanceof Error
          ? expect.objectContaining({ code: expect.stringMatching(/^dicom-(?:corrupt|transfer-syntax)$/) })
          : expect.objectContaining({ colour: expect.any(String) }),
      );
      expect(described(await decodeGiven(frame)).sha256).toBe(frame.sha256);
    }
  });
});

describe("sign and precision are the codestream's", () => {
  const [signed] = framesOf("j2k 13 bits signed") as [GivenFrame];

  test("an unsigned file around signed samples keeps their bits", async () => {
    const { samples } = await decodeGiven(signed);
    const other = await decodeGiven({ ...signed, signed: false });
    expect([...other.samples]).toEqual([...samples].map((v) => v & 8191));
    expect(other.samples).toBeInstanceOf(Uint16Array);
  });

  test("a signed file around unsigned samples keeps their bits", async () => {
    const { samples } = await decodeGiven(plain);
    const other = await decodeGiven({ ...plain, signed: true });
    expect([...other.samples]).toEqual([...samples].map((v) => (v > 2047 ? v - 4096 : v)));
  });

  test("bits stored are not asked", async () => {
    expect(described(await decodeGiven({ ...plain, bitsStored: 16 })).sha256).toBe(plain.sha256);
  });
});

test("nothing is printed", async () => {
  const spies = [console, process.stdout, process.stderr].flatMap((o) =>
    (o === console ? ["log", "error", "warn", "info"] : ["write"]).map((name) => vi.spyOn(o as any, name)),
  );
  await decodeGiven(plain);
  await decodeGiven(plain, plain.encoded.subarray(0, 300)).catch(() => {});
  await decodeGiven(plain, damaged(plain.encoded, 3, 200)).catch(() => {});
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

test("frames may be decoded side by side", async () => {
  const decoded = await Promise.all(frames.map((frame) => decodeGiven(frame)));
  expect(decoded.map((frame) => described(frame).sha256)).toEqual(frames.map((frame) => frame.sha256));
});

test("a codestream in a JP2 file is found", async () => {
  const box = (kind: string, body: readonly number[]) => [
    0,
    0,
    0,
    8 + body.length,
    ...new TextEncoder().encode(kind),
    ...body,
  ];
  const head = [...box("jP  ", [13, 10, 0x87, 10]), ...box("ftyp", [1, 2, 3, 4]), 0, 0, 0, 0];
  const boxed = Uint8Array.from([...head, ...new TextEncoder().encode("jp2c"), ...plain.encoded]);
  expect(described(await decodeGiven(plain, boxed)).sha256).toBe(plain.sha256);
  await expect(decodeGiven(plain, boxed.subarray(0, 24))).rejects.toThrow(corrupt);
});

test("padding behind the end, and a missing end marker, change nothing", async () => {
  const padded = Uint8Array.from([...plain.encoded, 0]);
  expect(described(await decodeGiven(plain, padded)).sha256).toBe(plain.sha256);
  expect(described(await decodeGiven(plain, plain.encoded.slice(0, -2))).sha256).toBe(plain.sha256);
});

describe("what the codestream claims is held against the file before the codec sees it", () => {
  test.each([
    ["60,000 x 60,000 pixels", 8, [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]],
    ["tiles of one pixel", 24, [0, 0, 0, 1, 0, 0, 0, 1]],
    ["no tile width", 24, [0, 0, 0, 0]],
    ["an offset beyond the picture", 16, [0x7f, 0, 0, 0]],
    ["16,384 components", 40, [0x40, 0]],
    ["no component", 40, [0, 0]],
  ])("%s", async (_, at, bytes) => {
    await expect(decodeGiven(plain, patched(plain.encoded, at, bytes))).rejects.toThrow(corrupt);
  });

  test("65,535 layers, 255 levels, code-blocks of 64 ki", async () => {
    const cod = markerAt(plain.encoded, 0xff52);
    for (const [at, bytes] of [
      [6, [0xff, 0xff]],
      [9, [255]],
      [10, [8, 8]],
    ] as const)
      await expect(decodeGiven(plain, patched(plain.encoded, cod + at, bytes))).rejects.toThrow(corrupt);
  });

  test("sizes, samples and bits that are not the file's", async () => {
    await expect(decodeGiven({ ...plain, rows: 34 })).rejects.toThrow("33 rows, the file's header says 34");
    await expect(decodeGiven({ ...plain, columns: 40 })).rejects.toThrow(corrupt);
    await expect(decodeGiven({ ...plain, samples: 3, photometric: "RGB" })).rejects.toThrow(corrupt);
    await expect(decodeGiven({ ...plain, bitsAllocated: 8 })).rejects.toThrow(
      "12 bits do not fit the 8 bits allocated",
    );
  });

  test("a frame too large for the codec", async () => {
    const huge = patched(
      plain.encoded,
      8,
      [0, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0x40],
    );
    await expect(decodeGiven({ ...plain, rows: 16_384, columns: 16_384 }, huge)).rejects.toThrow(
      expect.objectContaining({ code: "dicom-too-large" }),
    );
  });
});

test("what is not read is said by name", async () => {
  for (const syntax of ["1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"])
    await expect(decodeFrame(syntax, plain.encoded, plain)).rejects.toThrow(
      expect.objectContaining({ code: "dicom-transfer-syntax", message: expect.stringContaining(syntax) }),
    );
  await expect(decodeFrame("somebody's name", plain.encoded, plain)).rejects.toThrow(
    expect.objectContaining({ message: "the transfer syntax of this file is not read" }),
  );
  await expect(decodeGiven(plain, patched(plain.encoded, 6, [0x80, 0]))).rejects.toThrow(unread);
  await expect(decodeGiven(plain, patched(plain.encoded, 42, [23]))).rejects.toThrow(unread);
  await expect(decodeGiven(plain, patched(plain.encoded, 43, [2]))).rejects.toThrow(unread);
});
