import { describe, expect, it } from "vitest";
import { concat, encapsulate, type Written, withElements, writeDicom, writeElements } from "../../test/dicom-writer.js";
import { bytesOf, codeOf } from "../../test/helpers.js";
import { makeSource, readElements } from "./elements.js";
import { encapsulatedFrames } from "./encapsulated.js";
import { pixelElement } from "./file.js";
import { readDicom } from "./image.js";
import { TAG } from "./tags.js";

const ENCODING = { explicit: true, littleEndian: true, undefinedLength: true };
const part = (...bytes: number[]) => Uint8Array.from(bytes);

/** The frames found in compressed pixels, as lists of bytes. */
function frames(pixels: Uint8Array, count: number, more: readonly Written[] = []): number[][] {
  const bytes = concat([writeElements(more, ENCODING), pixels]);
  const set = readElements(makeSource(bytes, true, true), 0, bytes.length, ({ tag }) => tag === TAG.pixels);
  const at = encapsulatedFrames(set, pixelElement(set)!, count);
  return Array.from({ length: count }, (_, frame) => [...at(frame)]);
}

const [A, B, C, D] = [part(1, 1), part(2, 2), part(3, 3, 3, 3), part(4, 4)];
const END = part(9, 0xff, 0xd9, 0);

describe("frames of fragments", () => {
  it("one frame has all", () => {
    expect(frames(encapsulate([A, B]), 1)).toEqual([[1, 1, 2, 2]]);
  });

  it("by the basic offset table", () => {
    // A head of 8 bytes and 2 of its own: the third fragment begins at 20.
    expect(frames(encapsulate([A, B, C, D], [0, 20]), 2)).toEqual([
      [1, 1, 2, 2],
      [3, 3, 3, 3, 4, 4],
    ]);
  });

  it("a table of more frames than the header says gives the first", () => {
    expect(frames(encapsulate([A, B, C, D], [0, 10, 20, 32]), 2)).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("by the extended offset table, before the basic one", () => {
    const extended: Written[] = [
      [TAG.extendedOffsets, "OV", [0, 10]],
      [TAG.extendedLengths, "OV", [2, 14]],
    ];
    expect(frames(encapsulate([A, B, C], [0, 20]), 2, extended)).toEqual([
      [1, 1],
      [2, 2, 3, 3, 3, 3],
    ]);
  });

  it("without a table, by their number or by the end markers", () => {
    expect(frames(encapsulate([A, B, C]), 3)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3, 3, 3],
    ]);
    expect(frames(encapsulate([A, END, END]), 2)).toEqual([[1, 1, ...END], [...END]]);
  });

  it("a table that points between fragments, back, or is of another length is passed over", () => {
    for (const table of [[0, 11], [0, 0], [10, 0], [0], [0, 10, 20], [0, 0xffffffff]]) // biome-ignore format: short
      expect(frames(encapsulate([A, B], table), 2), String(table)).toEqual([
        [1, 1],
        [2, 2],
      ]);
  });

  it("are told apart, or refused", () => {
    expect(codeOf(() => frames(encapsulate([A, B]), 3))).toBe("dicom-pixels-short");
    expect(codeOf(() => frames(encapsulate([A, B, C]), 2))).toBe("dicom-corrupt");
    expect(codeOf(() => frames(encapsulate([]), 1))).toBe("dicom-pixels-short");
  });

  it("a missing delimiter is let pass, a cut fragment is not", () => {
    const whole = encapsulate([A, B]);
    expect(frames(whole.subarray(0, -8), 2)).toHaveLength(2);
    for (const cut of [9, 10]) expect(codeOf(() => frames(whole.subarray(0, -cut), 2))).toBe("dicom-pixels-short");
  });

  it("a fragment without length, or something else between them, is refused", () => {
    const bytes = encapsulate([A, B]);
    const undefinedLength = bytes.slice();
    undefinedLength.fill(0xff, 24, 28);
    const noItem = bytes.slice();
    noItem[22] = 1;
    for (const broken of [undefinedLength, noItem]) expect(codeOf(() => frames(broken, 2))).toBe("dicom-corrupt");
  });
});

it("the frames of the samples are found without their offset table as with it", async () => {
  const file = bytesOf("dicom/encapsulated-fragments.dcm");
  const image = await readDicom(file);
  const bare = await readDicom(bytesOf("dicom/encapsulated-fragments-no-table.dcm"));
  for (let frame = 0; frame < 3; frame++) expect(await bare.stored(frame)).toEqual(await image.stored(frame));
});

it("a header that says other pixels than the stream is refused", async () => {
  const rle = withElements(
    [
      [0x00280002, "US", [1]],
      [0x00280004, "CS", "MONOCHROME2"],
      [0x00280010, "US", [2]],
      [0x00280011, "US", [2]],
      [0x00280100, "US", [8]],
    ],
    [],
  );
  const head = writeDicom(rle, { syntax: "1.2.840.10008.1.2.5" });
  const stream = concat([part(1, 0, 0, 0, 64, 0, 0, 0), new Uint8Array(56), part(0xfd, 7)]);
  const image = await readDicom(concat([head, encapsulate([stream])]));
  expect([...(await image.stored(0)).samples]).toEqual([7, 7, 7, 7]);
  const wide = writeDicom(withElements(rle, [[0x00280011, "US", [3]]]), { syntax: "1.2.840.10008.1.2.5" });
  const broken = await readDicom(concat([wide, encapsulate([stream])]));
  await expect(broken.stored(0)).rejects.toThrow(expect.objectContaining({ code: "dicom-corrupt" }));
});
