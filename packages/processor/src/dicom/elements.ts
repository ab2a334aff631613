import { ProcessorError } from "../errors.js";

/** The bytes of a data set, and how its elements are encoded. Values are views of the bytes; nothing is copied. */
export interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Each element names its value representation (VR). */
  readonly explicit: boolean;
  readonly littleEndian: boolean;
}

/** Where one element's value lies. */
export interface Element {
  /** group * 65536 + element. */
  readonly tag: number;
  /** Absent where the encoding is implicit. */
  readonly vr: string | undefined;
  /** First byte of the value. */
  readonly at: number;
  /** Bytes, or {@link UNDEFINED_LENGTH}. */
  readonly length: number;
}

/** The elements of the file, or of one item of a sequence. Sequences are opened when they are asked for. */
export interface DataSet {
  readonly source: Source;
  readonly elements: ReadonlyMap<number, Element>;
}

export const UNDEFINED_LENGTH = 0xffffffff;
export const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
export const SEQUENCE_END = 0xfffee0dd;

/** More elements than this on one level is no picture's header: real ones have some hundreds. */
const MAX_ELEMENTS = 65_536;
/** Sequences within sequences. Structured reports, the deepest of all, stay below. */
const MAX_DEPTH = 64;
/** The VRs whose length has 4 bytes. Source: DICOM PS3.5 7.1.2. */
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);

export const makeSource = (bytes: Uint8Array, explicit: boolean, littleEndian: boolean): Source => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  explicit,
  littleEndian,
});

/**
 * Reads the elements from `start` up to `end`, or up to and with the first one for which `last` is true, whose value is
 * then neither entered nor measured against the file.
 * @throws ProcessorError `dicom-corrupt` (cut, a length that runs past the end, nesting), `dicom-too-large`.
 */
export function readElements(
  source: Source,
  start: number,
  end: number,
  last: (element: Element) => boolean = () => false,
): DataSet {
  const elements = new Map<number, Element>();
  let count = 0;
  for (let at = start; at < end; ) {
    const element = readHead(source, at, end);
    if (++count > MAX_ELEMENTS)
      throw new ProcessorError("dicom-too-large", `the data set has more than ${MAX_ELEMENTS} elements`);
    elements.set(element.tag, element);
    if (last(element)) break;
    at = endOf(source, element, end, 0);
  }
  return { source, elements };
}

/** The items of a sequence, one at a time; none where the element is absent. */
export function* items(set: DataSet, tag: number): Generator<DataSet> {
  const element = set.elements.get(tag);
  if (element === undefined) return;
  const source = itemSource(set.source, element);
  const defined = element.length !== UNDEFINED_LENGTH;
  const end = defined ? element.at + element.length : source.bytes.length;
  for (let at = element.at; at < end; ) {
    const head = readHead(source, at, end);
    if (head.tag === SEQUENCE_END) return;
    if (head.tag !== ITEM) throw noItem();
    at = head.length === UNDEFINED_LENGTH ? endOfElements(source, head.at, end, 0) : endOf(source, head, end, 0);
    yield readElements(source, head.at, at, ({ tag: t }) => t === ITEM_END);
  }
}

/** The first items of a sequence, `most` of them: a file may have millions. */
export function someItems(set: DataSet, tag: number, most: number): readonly DataSet[] {
  const found: DataSet[] = [];
  for (const item of items(set, tag)) if (found.push(item) === most) break;
  return found;
}

/**
 * The head of the element at `at`. One whose VR is no two capitals is read as implicit, as pydicom does.
 * @throws ProcessorError `dicom-corrupt` where it is cut.
 */
export function readHead({ bytes, view, explicit, littleEndian }: Source, at: number, end: number): Element {
  if (at + 8 > end) throw cut();
  const tag = view.getUint16(at, littleEndian) * 65536 + view.getUint16(at + 2, littleEndian);
  const named = explicit && tag < ITEM && isCapital(bytes[at + 4]) && isCapital(bytes[at + 5]);
  if (!named) return { tag, vr: undefined, at: at + 8, length: view.getUint32(at + 4, littleEndian) };
  const vr = String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!);
  if (!LONG.has(vr)) return { tag, vr, at: at + 8, length: view.getUint16(at + 6, littleEndian) };
  if (at + 12 > end) throw cut();
  return { tag, vr, at: at + 12, length: view.getUint32(at + 8, littleEndian) };
}

export const isCapital = (byte = 0): boolean => byte >= 0x41 && byte <= 0x5a;

/** The byte behind an element's value. Each byte is looked at once, whatever the lengths say. */
function endOf(source: Source, element: Element, end: number, depth: number): number {
  if (element.length === UNDEFINED_LENGTH) return endOfItems(itemSource(source, element), element.at, end, depth + 1);
  const next = element.at + element.length;
  if (next > end) throw new ProcessorError("dicom-corrupt", "an element's length runs past the end of its data set");
  return next;
}

/** The byte behind the delimiter of a sequence of undefined length. */
function endOfItems(source: Source, start: number, end: number, depth: number): number {
  if (depth > MAX_DEPTH)
    throw new ProcessorError("dicom-corrupt", `sequences are nested more than ${MAX_DEPTH} levels deep`);
  for (let at = start; ; ) {
    const head = readHead(source, at, end);
    if (head.tag === SEQUENCE_END) return head.at;
    if (head.tag !== ITEM) throw noItem();
    at =
      head.length === UNDEFINED_LENGTH ? endOfElements(source, head.at, end, depth) : endOf(source, head, end, depth);
  }
}

/** The byte behind the delimiter of an item of undefined length. */
function endOfElements(source: Source, start: number, end: number, depth: number): number {
  for (let at = start; ; ) {
    const element = readHead(source, at, end);
    if (element.tag === ITEM_END) return element.at;
    at = endOf(source, element, end, depth);
  }
}

/**
 * How the items of an element are encoded. Of unknown VR (UN) they are implicit little endian, PS3.5 6.2.2; where the
 * length is known, writers also leave them as they were, and each element's VR tells.
 */
function itemSource(source: Source, { vr, length }: Element): Source {
  if (vr !== "UN") return source;
  return { ...source, explicit: length !== UNDEFINED_LENGTH, littleEndian: true };
}

const cut = () => new ProcessorError("dicom-corrupt", "the data set is cut in the middle of an element");

const noItem = () => new ProcessorError("dicom-corrupt", "a sequence holds something that is no item");
