import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BIG_ENDIAN,
  concat,
  DEFLATED,
  EXPLICIT,
  IMPLICIT,
  type Written,
  withElements,
  writeDicom,
  writeElements,
  writeHead,
} from "../../test/dicom-writer.js";
import { bytesOf, codeOfAsync } from "../../test/helpers.js";
import { ProcessorError } from "../errors.js";
import { type DicomOptions, readDicom } from "./image.js";

const ENCODING = { explicit: true, littleEndian: true, undefinedLength: true };
const UNDEFINED = 0xffffffff;

const PIXELS: readonly Written[] = [
  [0x00280002, "US", [1]],
  [0x00280004, "CS", "MONOCHROME2"],
  [0x00280010, "US", [2]],
  [0x00280011, "US", [2]],
  [0x00280100, "US", [8]],
  [0x7fe00010, "OB", Uint8Array.of(1, 2, 3, 4)],
];
const META = writeDicom([]);
const IMAGE = writeElements(PIXELS, ENCODING);
const head = (tag: number, vr: string, length: number) => writeHead(tag, vr, length, ENCODING);

const codeFor = (bytes: Uint8Array, options?: DicomOptions) =>
  codeOfAsync(async () => (await readDicom(bytes, options)).picture(0));

describe("lengths that lie", () => {
  it.each([
    ["an element of 2^32 - 2 bytes", head(0x00091010, "OB", 2 ** 32 - 2)],
    ["a sequence longer than the file", head(0x00081140, "SQ", 1000)],
    ["a sequence without end", concat([head(0x00081140, "SQ", UNDEFINED), head(0xfffee000, "", UNDEFINED)])],
    ["an item longer than the file", concat([head(0x00081140, "SQ", UNDEFINED), head(0xfffee000, "", 10_000)])],
    ["a sequence of something else", concat([head(0x00081140, "SQ", UNDEFINED), head(0x00080000, "UL", 4)])],
    ["an undefined length of a text", concat([head(0x0008103e, "UT", UNDEFINED), new Uint8Array(16)])],
    ["half an element", head(0x00080060, "CS", 2).subarray(0, 5)],
  ])("%s", async (_, element) => {
    expect(await codeFor(concat([META, element, IMAGE]))).toBe("dicom-corrupt");
  });

  it("an item that is longer than its sequence, where it is opened", async () => {
    const lut = concat([head(0x00283000, "SQ", 8), head(0xfffee000, "", 100)]);
    const [before, pixels] = [PIXELS.slice(0, -1), PIXELS.slice(-1)].map((part) => writeElements(part, ENCODING));
    expect(await codeFor(concat([META, before!, lut, pixels!]))).toBe("dicom-corrupt");
  });

  it("65,535 x 65,535 pixels in a file of some hundred bytes", async () => {
    const elements = withElements(PIXELS, [
      [0x00280010, "US", [65_535]],
      [0x00280011, "US", [65_535]],
    ]);
    for (const syntax of [EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED]) {
      const file = writeDicom(elements, { syntax });
      expect(await codeFor(file)).toBe("dicom-too-large");
      expect(await codeFor(file, { limits: { maxPixels: 2 ** 33, maxBytes: 2 ** 34 } })).toBe("dicom-pixels-short");
    }
  });

  it("lookup tables that are cut", async () => {
    const lut = (descriptor: Written, data: Written): Written => [0x00283000, "SQ", { items: [[descriptor, data]] }];
    const table = lut([0x00283002, "US", [0, 0, 16]], [0x00283006, "OW", [1, 2, 3]]);
    expect(await codeFor(writeDicom(withElements(PIXELS, [table])))).toBe("dicom-corrupt");
    const none = lut([0x00283002, "US", [4, 0]], [0x00283006, "OW", [1, 2, 3, 4]]);
    expect(await codeFor(writeDicom(withElements(PIXELS, [none])))).toBe("dicom-corrupt");
    const wide = lut([0x00283002, "US", [4, 0, 99]], [0x00283006, "OW", [1, 2, 3, 4]]);
    expect(await codeFor(writeDicom(withElements(PIXELS, [wide])))).toBe("dicom-corrupt");
  });

  it.each([
    ["a run before any entry", [1, 200, 5]],
    ["a run over the table's end", [0, 1, 5, 1, 255, 9, 1, 255, 9]],
    ["too few entries", [0, 2, 5, 6]],
    ["entries that are cut", [0, 200, 5, 6]],
  ])("a segmented palette: %s", async (_, segments) => {
    const palette = [0, 1, 2].flatMap((i): Written[] => [
      [0x00281101 + i, "US", [256, 0, 8]],
      [0x00281221 + i, "OW", Uint8Array.from(segments)],
    ]);
    const file = writeDicom(withElements(PIXELS, [[0x00280004, "CS", "PALETTE COLOR"], ...palette]));
    expect(await codeFor(file)).toBe("dicom-corrupt");
  });

  it("a segmented palette that copies itself", async () => {
    const palette = [0, 1, 2].flatMap((i): Written[] => [
      [0x00281101 + i, "US", [256, 0, 8]],
      [0x00281221 + i, "OW", Uint8Array.of(0, 1, 5, 2, 1, 0, 0, 0, 0)],
    ]);
    const file = writeDicom(withElements(PIXELS, [[0x00280004, "CS", "PALETTE COLOR"], ...palette]));
    expect(await codeFor(file)).toBe("dicom-unsupported");
  });
});

describe("files that are made to take long or much", () => {
  it("sequences nested a hundred thousand deep", async () => {
    const nested = concat(
      Array.from({ length: 100_000 }, () =>
        concat([head(0x00081140, "SQ", UNDEFINED), head(0xfffee000, "", UNDEFINED)]),
      ),
    );
    expect(await codeFor(concat([META, nested, IMAGE]))).toBe("dicom-corrupt");
  });

  it("more elements than any picture has", async () => {
    const elements = concat(Array.from({ length: 70_000 }, (_, i) => head(0x00090000 + i, "US", 0)));
    expect(await codeFor(concat([META, elements, IMAGE]))).toBe("dicom-too-large");
  });

  it("two million empty items, and the picture behind them", async () => {
    const sequence = new Uint8Array(16_000_000);
    const item = head(0xfffee000, "", 0);
    for (let at = 0; at < sequence.length; at += 8) sequence.set(item, at);
    const file = concat([META, head(0x00081140, "SQ", UNDEFINED), sequence, head(0xfffee0dd, "", 0), IMAGE]);
    expect(await codeFor(file)).toBeUndefined();
  });

  it("two million fragments", async () => {
    const fragments = new Uint8Array(16_000_000);
    const item = head(0xfffee000, "", 0);
    for (let at = 0; at < fragments.length; at += 8) fragments.set(item, at);
    const start = writeDicom(PIXELS.slice(0, -1), { syntax: "1.2.840.10008.1.2.5" });
    const file = concat([start, head(0x7fe00010, "OB", UNDEFINED), fragments, head(0xfffee0dd, "", 0)]);
    expect(await codeFor(file)).toBe("dicom-too-large");
  });

  it("a deflated data set that unpacks to much more than its picture", async () => {
    const bomb: Written[] = withElements(PIXELS, [[0x00091010, "OB", new Uint8Array(4_000_000)]]);
    const file = writeDicom(bomb, { syntax: DEFLATED });
    expect(file.length).toBeLessThan(10_000);
    expect(await codeFor(file, { limits: { maxBytes: 1_000_000 } })).toBe("dicom-too-large");
    expect(await codeFor(file)).toBeUndefined();
  });

  it("a deflated picture is unpacked as far as its header goes", async () => {
    const much = withElements(PIXELS, [[0x7fe00010, "OB", new Uint8Array(40_000_000)]]);
    const image = await readDicom(writeDicom(much, { syntax: DEFLATED }));
    expect((await image.stored(0)).samples).toEqual(new Uint8Array(4));
  });

  it("a deflated data set that is cut", async () => {
    const file = writeDicom(PIXELS, { syntax: DEFLATED });
    expect(await codeFor(file.subarray(0, -20))).toBe("dicom-corrupt");
  });
});

const FILES = [
  "window-sigmoid",
  "voi-lut",
  "palette-segmented-16",
  "enhanced",
  "encapsulated-fragments",
  "grey-dfl-16-12-s",
];

it("changed, cut and spliced files are read or refused by name", async () => {
  const files = FILES.map((name) => bytesOf(`dicom/${name}.dcm`));
  const change = fc.record({ at: fc.nat(), value: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(change, { maxLength: 6 }),
      fc.option(fc.nat()),
      async (file, changes, cut) => {
        const bytes = cut === null ? file.slice() : file.slice(0, cut % file.length);
        for (const { at, value } of changes) bytes[132 + (at % file.length)] = value;
        try {
          const image = await readDicom(bytes, { limits: { maxPixels: 1e6, maxFrames: 100 } });
          for (let frame = 0; frame < image.frames; frame++) await image.pictures(frame, ["file", "min-max"]);
        } catch (error) {
          expect(error).toBeInstanceOf(ProcessorError);
        }
      },
    ),
    { numRuns: 500 },
  );
});
