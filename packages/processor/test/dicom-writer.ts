import { deflateRawSync } from "node:zlib";

/** An element of a file that a test makes: tag, VR, and its values, bytes, or items. */
export type Written = readonly [tag: number, vr: string, value: Value];
export type Value = string | readonly number[] | Uint8Array | { readonly items: readonly (readonly Written[])[] };

export interface WriteOptions {
  /** Default explicit little endian. */
  readonly syntax?: string;
  /** Sequences and items get delimiters and no length. */
  readonly undefinedLength?: boolean;
  /** Default true: 128 zeros, DICM and the file meta. */
  readonly meta?: boolean;
}

export const IMPLICIT = "1.2.840.10008.1.2";
export const EXPLICIT = "1.2.840.10008.1.2.1";
export const BIG_ENDIAN = "1.2.840.10008.1.2.2";
export const DEFLATED = "1.2.840.10008.1.2.1.99";

const LONG = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"];
const UNDEFINED = 0xffffffff;

interface Encoding {
  readonly explicit: boolean;
  readonly littleEndian: boolean;
  readonly undefinedLength: boolean;
}

/** A DICOM file of these elements, in this order. */
export function writeDicom(elements: readonly Written[], options: WriteOptions = {}): Uint8Array {
  const { syntax = EXPLICIT, undefinedLength = false, meta = true } = options;
  const encoding = { explicit: syntax !== IMPLICIT, littleEndian: syntax !== BIG_ENDIAN, undefinedLength };
  const plain = writeElements(elements, encoding);
  const data = syntax === DEFLATED ? new Uint8Array(deflateRawSync(plain)) : plain;
  if (!meta) return data;
  const uid = writeElements([[0x00020010, "UI", syntax]], { explicit: true, littleEndian: true, undefinedLength });
  return concat([new Uint8Array(128), ascii("DICM"), uid, data, new Uint8Array(data.length % 2)]);
}

/** A copy of elements with some of them put in, in the order of tags, or replaced. */
export function withElements(elements: readonly Written[], more: readonly Written[]): Written[] {
  const all = new Map([...elements, ...more].map((element) => [element[0], element]));
  return [...all.values()].sort(([a], [b]) => a - b);
}

export const concat = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

export const writeElements = (elements: readonly Written[], encoding: Encoding): Uint8Array =>
  concat(elements.map((element) => writeElement(element, encoding)));

function writeElement([tag, vr, value]: Written, encoding: Encoding): Uint8Array {
  const sequence = typeof value === "object" && "items" in value;
  const body = sequence ? writeItems(value.items, encoding) : writeValue(vr, value, encoding.littleEndian);
  const length = sequence && encoding.undefinedLength ? UNDEFINED : body.length;
  return concat([writeHead(tag, vr, length, encoding), body]);
}

export function writeHead(tag: number, vr: string, length: number, { explicit, littleEndian }: Encoding): Uint8Array {
  const named = explicit && tag < 0xfffe0000;
  const head = new Uint8Array(named && LONG.includes(vr) ? 12 : 8);
  const view = new DataView(head.buffer);
  view.setUint16(0, Math.floor(tag / 65536), littleEndian);
  view.setUint16(2, tag % 65536, littleEndian);
  if (!named) view.setUint32(4, length, littleEndian);
  else {
    head.set(ascii(vr), 4);
    if (head.length === 12) view.setUint32(8, length, littleEndian);
    else view.setUint16(6, length, littleEndian);
  }
  return head;
}

function writeItems(items: readonly (readonly Written[])[], encoding: Encoding): Uint8Array {
  const parts = items.flatMap((item) => {
    const body = writeElements(item, encoding);
    if (!encoding.undefinedLength) return [writeHead(0xfffee000, "", body.length, encoding), body];
    return [writeHead(0xfffee000, "", UNDEFINED, encoding), body, writeHead(0xfffee00d, "", 0, encoding)];
  });
  if (encoding.undefinedLength) parts.push(writeHead(0xfffee0dd, "", 0, encoding));
  return concat(parts);
}

const NUMBERS: Record<string, readonly [number, (view: DataView, at: number, value: number, le: boolean) => void]> = {
  US: [2, (view, at, value, le) => view.setUint16(at, value, le)],
  SS: [2, (view, at, value, le) => view.setInt16(at, value, le)],
  OW: [2, (view, at, value, le) => view.setUint16(at, value, le)],
  UL: [4, (view, at, value, le) => view.setUint32(at, value, le)],
  FD: [8, (view, at, value, le) => view.setFloat64(at, value, le)],
  OV: [8, (view, at, value, le) => view.setBigUint64(at, BigInt(value), le)],
};

function writeValue(vr: string, value: string | readonly number[] | Uint8Array, littleEndian: boolean): Uint8Array {
  if (value instanceof Uint8Array) return concat([value, new Uint8Array(value.length % 2)]);
  if (typeof value === "string")
    return ascii(value.padEnd(value.length + (value.length % 2), vr === "UI" ? "\0" : " "));
  const [size, set] = NUMBERS[vr]!;
  const bytes = new Uint8Array(size * value.length);
  value.forEach((n, i) => {
    set(new DataView(bytes.buffer), i * size, n, littleEndian);
  });
  return bytes;
}

/** Compressed pixels: an offset table and fragments. */
export function encapsulate(fragments: readonly Uint8Array[], table: readonly number[] = []): Uint8Array {
  const encoding = { explicit: true, littleEndian: true, undefinedLength: true };
  const offsets = writeValue("UL", table, true);
  const items = [offsets, ...fragments].flatMap((part) => [writeHead(0xfffee000, "", part.length, encoding), part]);
  const head = writeHead(0x7fe00010, "OB", UNDEFINED, encoding);
  return concat([head, ...items, writeHead(0xfffee0dd, "", 0, encoding)]);
}
