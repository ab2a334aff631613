import { inflateRawSync } from "node:zlib";
import { ProcessorError } from "@hulu/processor";

/** The elements of a DICOM file that stand before its pixels, as they are written. */
export interface StoredDicom {
  /** As the file says; empty where it has no meta information. */
  readonly transferSyntax: string;
  readonly littleEndian: boolean;
  /** Values by group and element as one number, top level only. */
  readonly elements: ReadonlyMap<number, Uint8Array>;
}

const PIXELS = 0x7fe00008;
const [ITEM, ITEM_END, SEQUENCE_END] = [0xfffee000, 0xfffee00d, 0xfffee0dd];
const UNDEFINED = 0xffffffff;
/** Those of a value representation with a length of 4 bytes behind 2 that are reserved. */
const LONG = /^(OB|OD|OF|OL|OV|OW|SQ|SV|UC|UN|UR|UT|UV)$/;

/**
 * Reads again what the library has accepted: goldens tell of attributes as they are written, of which it keeps the meaning.
 * Source: DICOM PS3.5 7, PS3.10 7.
 */
export function storedDicom(file: Uint8Array): StoredDicom {
  const meta = String.fromCharCode(...file.subarray(128, 132)) === "DICM";
  const explicit = { explicit: true, littleEndian: true };
  if (!meta) return { transferSyntax: "", littleEndian: true, elements: read(file, 0, guessed(file)).elements };
  const head = read(file, 132, explicit, 0x00020000);
  const syntax = ascii(head.elements.get(0x00020010));
  const how = { explicit: syntax !== "1.2.840.10008.1.2", littleEndian: syntax !== "1.2.840.10008.1.2.2" };
  const packed = syntax === "1.2.840.10008.1.2.1.99";
  const rest = file.subarray(head.end);
  const data = packed ? inflateRawSync(rest, { maxOutputLength: 2 ** 31 }) : rest;
  // Some writers leave out the representations that their syntax promises; the library reads those files, and so does pydicom.
  if (how.explicit && !hasRepresentation(data)) how.explicit = false;
  return { transferSyntax: syntax, littleEndian: how.littleEndian, elements: read(data, 0, how).elements };
}

interface Encoding {
  readonly explicit: boolean;
  readonly littleEndian: boolean;
}

/** A data set alone: with value representations where two capitals stand behind the first tag. */
const guessed = (file: Uint8Array): Encoding => ({ explicit: hasRepresentation(file), littleEndian: true });

const hasRepresentation = (data: Uint8Array): boolean => /^[A-Z]{2}$/.test(ascii(data.subarray(4, 6)));

const ascii = (bytes: Uint8Array | undefined): string =>
  Buffer.from(bytes ?? [])
    .toString("latin1")
    .replace(/[\0 ]+$/, "")
    .replace(/^ +/, "");

/** @param only the group that is read, whatever follows it */
function read(data: Uint8Array, from: number, how: Encoding, only?: number) {
  const elements = new Map<number, Uint8Array>();
  let at = from;
  while (at + 8 <= data.length) {
    const { tag, value, length } = elementAt(data, at, how);
    if (tag >= PIXELS || (only !== undefined && tag >>> 16 !== only >>> 16)) break;
    if (length === UNDEFINED) at = sequenceEnd(data, value, how);
    else {
      elements.set(tag, data.subarray(value, value + length));
      at = value + length;
    }
  }
  return { elements, end: at };
}

function elementAt(data: Uint8Array, at: number, { explicit, littleEndian }: Encoding) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const tag = view.getUint16(at, littleEndian) * 0x10000 + view.getUint16(at + 2, littleEndian);
  // Items have no value representation.
  if (!explicit || tag >>> 16 === 0xfffe) return { tag, value: at + 8, length: view.getUint32(at + 4, littleEndian) };
  const long = LONG.test(ascii(data.subarray(at + 4, at + 6)));
  return long
    ? { tag, value: at + 12, length: view.getUint32(at + 8, littleEndian) }
    : { tag, value: at + 8, length: view.getUint16(at + 6, littleEndian) };
}

/** Where a sequence or an item of undefined length ends, that is behind its delimiter. */
function sequenceEnd(data: Uint8Array, from: number, how: Encoding): number {
  for (let at = from; at + 8 <= data.length; ) {
    const { tag, value, length } = elementAt(data, at, how);
    if (tag === SEQUENCE_END || tag === ITEM_END) return value;
    at = length === UNDEFINED ? sequenceEnd(data, value, how) : value + length;
    if (tag === ITEM && length === 0) at = value;
  }
  throw new ProcessorError("dicom-corrupt", "a sequence does not end");
}

type Kind = "text" | "texts" | "number" | "short";
/** The attributes that goldens may tell of, by the standard's keywords. Source: DICOM PS3.6. */
export const KEYWORDS: ReadonlyMap<string, readonly [number, Kind]> = new Map<string, readonly [number, Kind]>([
  ["ImageType", [0x00080008, "texts"]],
  ["Modality", [0x00080060, "text"]],
  ["BodyPartExamined", [0x00180015, "text"]],
  ["SliceThickness", [0x00180050, "number"]],
  ["SpacingBetweenSlices", [0x00180088, "number"]],
  ["FrameTime", [0x00181063, "number"]],
  ["FrameTimeVector", [0x00181065, "number"]],
  ["CineRate", [0x00180040, "number"]],
  ["RecommendedDisplayFrameRate", [0x00082144, "number"]],
  ["ImagerPixelSpacing", [0x00181164, "number"]],
  ["PatientPosition", [0x00185100, "text"]],
  ["SeriesNumber", [0x00200011, "number"]],
  ["AcquisitionNumber", [0x00200012, "number"]],
  ["InstanceNumber", [0x00200013, "number"]],
  ["ImagePositionPatient", [0x00200032, "number"]],
  ["ImageOrientationPatient", [0x00200037, "number"]],
  ["SliceLocation", [0x00201041, "number"]],
  ["SamplesPerPixel", [0x00280002, "short"]],
  ["PhotometricInterpretation", [0x00280004, "text"]],
  ["PlanarConfiguration", [0x00280006, "short"]],
  ["NumberOfFrames", [0x00280008, "number"]],
  ["Rows", [0x00280010, "short"]],
  ["Columns", [0x00280011, "short"]],
  ["PixelSpacing", [0x00280030, "number"]],
  ["PixelAspectRatio", [0x00280034, "number"]],
  ["BitsAllocated", [0x00280100, "short"]],
  ["BitsStored", [0x00280101, "short"]],
  ["HighBit", [0x00280102, "short"]],
  ["PixelRepresentation", [0x00280103, "short"]],
  ["BurnedInAnnotation", [0x00280301, "text"]],
  ["WindowCenter", [0x00281050, "number"]],
  ["WindowWidth", [0x00281051, "number"]],
  ["RescaleIntercept", [0x00281052, "number"]],
  ["RescaleSlope", [0x00281053, "number"]],
  ["RescaleType", [0x00281054, "text"]],
  ["VOILUTFunction", [0x00281056, "text"]],
  ["LossyImageCompression", [0x00282110, "text"]],
]);

/** An attribute as pydicom gives it: a list where there are several values; undefined where it is not there. */
export function attribute({ elements, littleEndian }: StoredDicom, [tag, kind]: readonly [number, Kind]): unknown {
  const bytes = elements.get(tag);
  if (bytes === undefined) return undefined;
  if (kind === "text") return ascii(bytes);
  const values =
    kind === "short"
      ? [...words(bytes, littleEndian)]
      : ascii(bytes)
          .split("\\")
          .map((v) => v.trim());
  const given = kind === "number" ? values.map(Number) : values;
  return given.length === 1 ? given[0] : given;
}

/** Numbers of 16 bits. */
export function words(bytes: Uint8Array, littleEndian: boolean): Uint16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, i) => view.getUint16(2 * i, littleEndian));
}
