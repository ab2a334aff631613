import { describe, expect, test } from "vitest";
import { damaged, decodeGiven, described, framesOf, type GivenFrame } from "../../../test/codec-frames.js";

const corrupt = expect.objectContaining({ name: "ProcessorError", code: "dicom-corrupt" });
const frames = framesOf("jpeg-ls");
const [plain] = framesOf("jpeg-ls 12 bits") as [GivenFrame];

describe.each(frames.map((frame) => [frame.name, frame] as const))("%s", (_, frame) => {
  test("gives the samples that were encoded", async () => {
    const decoded = await decodeGiven(frame);
    expect(described(decoded)).toEqual({ dtype: frame.dtype, sha256: frame.sha256 });
    expect(decoded.colour).toBe(frame.samples === 1 ? "grey" : "rgb");
  });

  test("is refused wherever it is cut, an end marker put behind the cut or not", async () => {
    const step = Math.ceil(frame.encoded.length / 40);
    for (let length = 0; length < frame.encoded.length - 2; length += step) {
      const cut = frame.encoded.subarray(0, length);
      await expect(decodeGiven(frame, cut)).rejects.toThrow(corrupt);
      await expect(decodeGiven(frame, Uint8Array.from([...cut, 0xff, 0xd9]))).rejects.toThrow(corrupt);
    }
  });

  test("damaged, it is decoded or refused by name, and the next one is right", async () => {
    for (let seed = 0; seed < 25; seed++) {
      const outcome = await decodeGiven(frame, damaged(frame.encoded, seed)).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toEqual(corrupt);
      expect(described(await decodeGiven(frame)).sha256).toBe(frame.sha256);
    }
  });
});

test("padding behind the end marker changes nothing", async () => {
  const padded = Uint8Array.from([...plain.encoded, 0, 0]);
  expect(described(await decodeGiven(plain, padded)).sha256).toBe(plain.sha256);
});

test("what the bitstream claims is held against the file before the codec sees it", async () => {
  const at = plain.encoded.findIndex((v, i) => v === 0xff && plain.encoded[i + 1] === 0xf7);
  const changed = (offset: number, ...bytes: readonly number[]) => {
    const out = plain.encoded.slice();
    out.set(bytes, at + offset);
    return decodeGiven(plain, out);
  };
  await expect(changed(5, 0xff, 0xff, 0xff, 0xff)).rejects.toThrow("65535 rows, the file's header says 33");
  await expect(changed(4, 1)).rejects.toThrow("2 to 16 bits");
  await expect(changed(4, 17)).rejects.toThrow(corrupt);
  await expect(changed(9, 3)).rejects.toThrow(corrupt);
  await expect(changed(11, 0x22)).rejects.toThrow("subsampled");
  const huge = plain.encoded.slice();
  huge.set([0x40, 0, 0x40, 0], at + 5);
  await expect(decodeGiven({ ...plain, rows: 16_384, columns: 16_384 }, huge)).rejects.toThrow(
    expect.objectContaining({ code: "dicom-too-large" }),
  );
  await expect(decodeGiven({ ...plain, bitsAllocated: 8 })).rejects.toThrow(corrupt);
  await expect(decodeGiven({ ...plain, photometric: "RGB" })).rejects.toThrow(corrupt);
});
