import { describe, expect, test } from "vitest";
import { damaged, decodeGiven, described, framesOf, type GivenFrame } from "../../../../test/codec-frames.js";

const corrupt = expect.objectContaining({ name: "ProcessorError", code: "dicom-corrupt" });
const unread = expect.objectContaining({ name: "ProcessorError", code: "dicom-transfer-syntax" });
const frames = framesOf("jpeg ");
const one = (name: string) => framesOf(name)[0] as GivenFrame;
const colour = one("jpeg 8 bits 33 x 41 4:2:0");
const grey = one("jpeg 8 bits 33 x 41");

/** Where the `index`-th marker of a kind stands. */
function markerAt(bytes: Uint8Array, marker: number, index = 0): number {
  const all = [...bytes.keys()].filter((i) => bytes[i] === 0xff && bytes[i + 1] === marker);
  expect(all.length).toBeGreaterThan(index);
  return all[index]!;
}

function patched(bytes: Uint8Array, at: number, ...others: readonly number[]): Uint8Array {
  const out = bytes.slice();
  out.set(others, at);
  return out;
}

const spliced = (bytes: Uint8Array, from: number, to: number, others: readonly number[]) =>
  Uint8Array.from([...bytes.subarray(0, from), ...others, ...bytes.subarray(to)]);

describe.each(frames.map((frame) => [frame.name, frame] as const))("%s", (_, frame) => {
  test("gives the very samples of libjpeg-turbo", async () => {
    const decoded = await decodeGiven(frame);
    expect(described(decoded)).toEqual({ dtype: frame.dtype, sha256: frame.sha256 });
    const three = frame.photometric === "RGB" ? "rgb" : "ybr-full";
    expect(decoded.colour).toBe(frame.samples === 1 ? "grey" : three);
  });

  test("is refused wherever it is cut, with an end marker behind it or without", async () => {
    const step = Math.ceil(frame.encoded.length / 60);
    for (let length = 0; length < frame.encoded.length - 2; length += step) {
      const cut = frame.encoded.subarray(0, length);
      await expect(decodeGiven(frame, cut)).rejects.toThrow(corrupt);
      await expect(decodeGiven(frame, Uint8Array.from([...cut, 0xff, 0xd9]))).rejects.toThrow(corrupt);
    }
  });

  test("damaged, it is decoded or refused by name", async () => {
    for (let seed = 0; seed < 60; seed++) {
      const outcome = await decodeGiven(frame, damaged(frame.encoded, seed)).catch((error: unknown) => error);
      if (outcome instanceof Error)
        expect(outcome).toMatchObject({ code: expect.stringMatching(/^dicom-(?:corrupt|transfer-syntax)$/) });
    }
  });
});

test("an end marker that is missing behind the last whole scan changes nothing", async () => {
  expect(described(await decodeGiven(grey, grey.encoded.subarray(0, -2))).sha256).toBe(grey.sha256);
});

test("the bounds of a sequential scan are not asked", async () => {
  const zeros = patched(grey.encoded, markerAt(grey.encoded, 0xda) + 7, 0, 0, 0);
  expect(described(await decodeGiven(grey, zeros)).sha256).toBe(grey.sha256);
});

test("8 bits in 16 allocated come in 16", async () => {
  const { samples } = await decodeGiven({ ...grey, bitsAllocated: 16 });
  expect(samples).toBeInstanceOf(Uint16Array);
  expect([...samples]).toEqual([...(await decodeGiven(grey)).samples]);
});

describe("what colour three components are", () => {
  const jfif = markerAt(colour.encoded, 0xe0);
  const without = spliced(colour.encoded, jfif, jfif + 18, []);
  const adobe = (transform: number) =>
    spliced(without, 2, 2, [0xff, 0xee, 0, 14, ...new TextEncoder().encode("Adobe"), 0, 100, 0, 0, 0, 0, transform]);
  const named = (bytes: Uint8Array, ids: string) => {
    const [frame, scan] = [markerAt(bytes, 0xc0), markerAt(bytes, 0xda)];
    const codes = new TextEncoder().encode(ids);
    return codes.reduce((out, id, i) => patched(patched(out, frame + 10 + 3 * i, id), scan + 5 + 2 * i, id), bytes);
  };
  const colourOf = async (bytes: Uint8Array, photometric: string) =>
    (await decodeGiven({ ...colour, photometric }, bytes)).colour;

  test.each([
    ["a JFIF segment: YCbCr, whatever the file says", colour.encoded, "RGB", "ybr-full"],
    ["component ids R, G, B: RGB, whatever the file says", named(colour.encoded, "RGB"), "YBR_FULL_422", "rgb"],
    ["component ids r, g, b", named(without, "rgb"), "YBR_FULL", "rgb"],
    ["Adobe's transform 0", adobe(0), "YBR_FULL", "rgb"],
    ["Adobe's transform 1", adobe(1), "RGB", "ybr-full"],
    ["nothing: as the file says, RGB", without, "RGB", "rgb"],
    ["nothing: as the file says, YBR_FULL_422", without, "YBR_FULL_422", "ybr-full"],
  ])("%s", async (_, bytes, photometric, expected) => {
    expect(await colourOf(bytes, photometric)).toBe(expected);
  });

  test("grey in a file of colour, and colour in a file of grey, are refused", async () => {
    await expect(decodeGiven({ ...grey, samples: 3, photometric: "RGB" })).rejects.toThrow("1 samples");
    await expect(decodeGiven({ ...colour, samples: 1, photometric: "MONOCHROME2" })).rejects.toThrow("3 samples");
  });
});

describe("what the stream claims is held against the file before anything is allocated", () => {
  const frame = markerAt(grey.encoded, 0xc0);

  test.each([
    ["65,535 x 65,535 pixels", 5, [0xff, 0xff, 0xff, 0xff], "65535 rows, the file's header says 33"],
    ["12 bits in a baseline frame", 4, [12], "samples of 12 bits cannot be"],
    ["arithmetic coding", 1, [0xc9], "SOF9"],
    ["a hierarchy", 1, [0xc5], "SOF5"],
    ["no sampling", 11, [0], "sampling factors"],
    ["sampling of 5", 11, [0x51], "sampling factors"],
  ])("%s", async (_, at, bytes, message) => {
    await expect(decodeGiven(grey, patched(grey.encoded, frame + at, ...bytes))).rejects.toThrow(message);
  });

  test("a picture that its bytes cannot hold", async () => {
    const huge = patched(grey.encoded, frame + 5, 0x40, 0, 0x40, 0);
    await expect(decodeGiven({ ...grey, rows: 16_384, columns: 16_384 }, huge)).rejects.toThrow("cannot hold");
  });

  test("more bits than are allocated", async () => {
    await expect(decodeGiven({ ...one("jpeg 12 bits extended"), bitsAllocated: 8 })).rejects.toThrow(corrupt);
  });

  test("factors that are no multiples of each other, and CMYK", async () => {
    const odd = patched(colour.encoded, markerAt(colour.encoded, 0xc0) + 11, 0x31, 1, 2, 0x21);
    await expect(decodeGiven(colour, odd)).rejects.toThrow(unread);
    await expect(decodeGiven({ ...colour, samples: 4, photometric: "CMYK" })).rejects.toThrow(unread);
  });
});

describe("scans", () => {
  const progressive = one("jpeg 8 bits 33 x 41 progressive");

  test("one that comes twice, or out of order, is refused", async () => {
    const [first, second] = [0, 1].map((i) => markerAt(progressive.encoded, 0xda, i)) as [number, number];
    const again = spliced(progressive.encoded, second, second, [...progressive.encoded.subarray(first, second)]);
    await expect(decodeGiven(progressive, again)).rejects.toThrow("out of order");
    const unrefined = patched(progressive.encoded, first + 9, 0x21);
    await expect(decodeGiven(progressive, unrefined)).rejects.toThrow(corrupt);
  });

  test("a progression without its end marker is not whole", async () => {
    await expect(decodeGiven(progressive, progressive.encoded.subarray(0, -2))).rejects.toThrow("the stream is cut");
  });

  test("one that stops before its last bits is not whole", async () => {
    const scans = [...progressive.encoded.keys()].filter(
      (i) => progressive.encoded[i] === 0xff && progressive.encoded[i + 1] === 0xda,
    );
    for (const at of scans) {
      const early = Uint8Array.from([...progressive.encoded.subarray(0, at), 0xff, 0xd9]);
      await expect(decodeGiven(progressive, early)).rejects.toThrow("ends before its last bits");
    }
  });

  test("without tables, or with tables that cannot be, nothing is decoded", async () => {
    const [quantization, huffman] = [markerAt(grey.encoded, 0xdb), markerAt(grey.encoded, 0xc4)];
    await expect(decodeGiven(grey, patched(grey.encoded, quantization + 1, 0xfe))).rejects.toThrow("not there");
    await expect(decodeGiven(grey, patched(grey.encoded, huffman + 1, 0xfe))).rejects.toThrow("not there");
    await expect(decodeGiven(grey, patched(grey.encoded, huffman + 5, 3))).rejects.toThrow(corrupt);
  });

  test("a component that is not there, or named twice, is refused", async () => {
    const scan = markerAt(colour.encoded, 0xda);
    await expect(decodeGiven(colour, patched(colour.encoded, scan + 7, 9))).rejects.toThrow("not there, or twice");
    await expect(decodeGiven(colour, patched(colour.encoded, scan + 7, 1))).rejects.toThrow("not there, or twice");
  });
});
