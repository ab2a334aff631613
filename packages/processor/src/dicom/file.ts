import { ProcessorError } from "../errors.js";
import { text } from "./attributes.js";
import { type DataSet, type Element, makeSource, readElements, readHead } from "./elements.js";
import { guessEncoding } from "./guess.js";
import { inflate } from "./inflate.js";
import { TAG } from "./tags.js";
import { BIG_ENDIAN, EXPLICIT, IMPLICIT, type TransferSyntax, transferSyntax } from "./transfer-syntax.js";

export interface DicomFile {
  readonly syntax: TransferSyntax;
  /** The elements up to the pixels. */
  readonly data: DataSet;
}

const PREAMBLE = 128;
/** What is unpacked at first of a deflated data set, and the most that may lie before its pixels, bytes. */
const FIRST_BYTES = 2 ** 24;
const MAX_HEADER = 2 ** 28;

const PIXELS: readonly number[] = [TAG.floatPixels, TAG.doublePixels, TAG.pixels];
const isPixels = ({ tag }: Element) => PIXELS.includes(tag);

/** The pixels' element, the last that was read; undefined where there is none. */
export function pixelElement({ elements }: DataSet): Element | undefined {
  for (const tag of PIXELS) {
    const element = elements.get(tag);
    if (element !== undefined) return element;
  }
  return undefined;
}

/** Whether the bytes look like DICOM: its mark after the preamble, or a data set that begins at once. */
export const isDicom = (bytes: Uint8Array): boolean => hasMark(bytes) || guessEncoding(bytes, 0) !== undefined;

/**
 * Reads a file's data set up to its pixels. Without preamble or file meta the encoding is told by the first element.
 * @param pixelsEnd for a deflated file: the byte behind the pixels, from the header; throws where that is unfit
 * @throws ProcessorError `dicom-format`, `dicom-transfer-syntax`, `dicom-corrupt`, `dicom-too-large`.
 */
export async function openFile(
  bytes: Uint8Array,
  maxBytes: number,
  pixelsEnd: (data: DataSet, syntax: TransferSyntax) => number,
): Promise<DicomFile> {
  if (!isDicom(bytes))
    throw new ProcessorError("dicom-format", "no DICOM: no mark DICM at byte 128, and no data set at the begin");
  const { uid, at } = readMeta(bytes, hasMark(bytes) ? PREAMBLE + 4 : 0);
  const syntax = transferSyntax(uid ?? guessSyntax(bytes, at));
  if (syntax.deflated) return { syntax, data: await inflated(bytes.subarray(at), maxBytes, syntax, pixelsEnd) };
  return { syntax, data: readData(bytes, at, syntax) };
}

const hasMark = (bytes: Uint8Array): boolean =>
  bytes.length >= PREAMBLE + 4 && [0x44, 0x49, 0x43, 0x4d].every((byte, i) => bytes[PREAMBLE + i] === byte);

/** The file meta (group 2, always explicit little endian): the transfer syntax, and where the data set begins. */
function readMeta(bytes: Uint8Array, start: number): { readonly uid: string | undefined; readonly at: number } {
  const explicit = guessEncoding(bytes, start)?.explicit ?? true;
  const source = makeSource(bytes, explicit, true);
  let at = start;
  let uid: string | undefined;
  while (at + 8 <= bytes.length && source.view.getUint16(at, true) === 2) {
    const element = readHead(source, at, bytes.length);
    at = element.at + element.length;
    if (at > bytes.length) throw new ProcessorError("dicom-corrupt", "the file meta is cut");
    if (element.tag === TAG.transferSyntax)
      uid = text({ source, elements: new Map([[element.tag, element]]) }, element.tag);
  }
  return { uid, at };
}

function guessSyntax(bytes: Uint8Array, at: number): string {
  const encoding = guessEncoding(bytes, at);
  if (encoding === undefined)
    throw new ProcessorError("dicom-format", "the file names no transfer syntax, and its data set begins with none");
  if (!encoding.explicit) return IMPLICIT;
  return encoding.littleEndian ? EXPLICIT : BIG_ENDIAN;
}

/** Some files say implicit and are explicit; the other way round is told at each element. */
function readData(bytes: Uint8Array, at: number, syntax: TransferSyntax): DataSet {
  const explicit = syntax.explicit || guessEncoding(bytes, at)?.explicit === true;
  return readElements(makeSource(bytes, explicit, syntax.littleEndian), at, bytes.length, isPixels);
}

/** Unpacks as much as the header before the pixels says that there is, so that a bomb bursts at its header. */
async function inflated(
  packed: Uint8Array,
  maxBytes: number,
  syntax: TransferSyntax,
  pixelsEnd: (data: DataSet, syntax: TransferSyntax) => number,
): Promise<DataSet> {
  for (const most of [FIRST_BYTES, MAX_HEADER]) {
    const { bytes, whole } = await inflate(packed, Math.min(most, maxBytes));
    const data = readHeaderOf(bytes, syntax, whole);
    if (data === undefined) continue;
    if (whole || pixelElement(data) === undefined) return data;
    const end = pixelsEnd(data, syntax);
    if (end > maxBytes)
      throw new ProcessorError("dicom-too-large", `the file unpacks to ${end} bytes, over ${maxBytes} (maxBytes)`);
    return end <= bytes.length ? data : readData((await inflate(packed, end)).bytes, 0, syntax);
  }
  throw new ProcessorError("dicom-too-large", `the deflated data set has no pixels in its first ${MAX_HEADER} bytes`);
}

/** The elements of the first bytes; undefined where the header goes on behind them. */
function readHeaderOf(bytes: Uint8Array, syntax: TransferSyntax, whole: boolean): DataSet | undefined {
  try {
    return readData(bytes, 0, syntax);
  } catch (error) {
    if (!whole && error instanceof ProcessorError && error.code === "dicom-corrupt") return undefined;
    throw error;
  }
}
