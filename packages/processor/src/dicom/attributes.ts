import { type DataSet, type Element, UNDEFINED_LENGTH } from "./elements.js";

/** How the values of a number's element are written; of an explicit file its own VR counts. */
export type NumberVr = "DS" | "IS" | "US" | "SS" | "UL" | "SL" | "FL" | "FD" | "UV";

/** No text that is read here is longer, bytes. */
const MAX_TEXT = 1024;
/** A list of numbers in text: 16 bytes each, for as many frames as a file may have. */
const MAX_LIST = 2 ** 21;

const SIZE: Readonly<Record<Exclude<NumberVr, "DS" | "IS">, number>> = {
  US: 2,
  SS: 2,
  UL: 4,
  SL: 4,
  FL: 4,
  FD: 8,
  UV: 8,
};
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The bytes of a value, a view of the file; undefined where it is absent, empty or of undefined length. */
export function valueBytes({ source, elements }: DataSet, tag: number): Uint8Array | undefined {
  const element = elements.get(tag);
  if (element === undefined || element.length === 0 || element.length === UNDEFINED_LENGTH) return undefined;
  return source.bytes.subarray(element.at, element.at + element.length);
}

/** The values of an element of text, without their padding; none where it is absent or longer than any such text. */
export function texts(set: DataSet, tag: number, most = MAX_TEXT): readonly string[] {
  const bytes = valueBytes(set, tag);
  if (bytes === undefined || bytes.length > most) return [];
  const text = new TextDecoder("latin1").decode(bytes);
  return text.split("\\").map((value) => value.replace(/^[\0 ]+|[\0 ]+$/g, ""));
}

/** The first value of an element of text; undefined where it is absent or empty. */
export const text = (set: DataSet, tag: number): string | undefined => texts(set, tag)[0] || undefined;

/**
 * The numbers of an element. An empty one among several, or one that is none, is NaN.
 * @param vr how they are written where the file does not say
 */
export function numbers(set: DataSet, tag: number, vr: NumberVr): readonly number[] {
  const element = set.elements.get(tag);
  const bytes = valueBytes(set, tag);
  if (element === undefined || bytes === undefined) return [];
  const kind = numberVr(element) ?? vr;
  if (kind === "DS" || kind === "IS") return texts(set, tag, MAX_LIST).map(parseNumber);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = SIZE[kind];
  const count = Math.min(Math.floor(bytes.length / size), MAX_LIST / size);
  return Array.from({ length: count }, (_, i) => readNumber(view, i * size, kind, set.source.littleEndian));
}

/** The first number of an element; undefined where it is absent or not finite. */
export function number(set: DataSet, tag: number, vr: NumberVr): number | undefined {
  const [value] = numbers(set, tag, vr);
  return Number.isFinite(value) ? value : undefined;
}

/** As {@link number}, but only a whole one. */
export function integer(set: DataSet, tag: number, vr: NumberVr): number | undefined {
  const value = number(set, tag, vr);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Exactly `count` finite numbers, or undefined. */
export function vector(set: DataSet, tag: number, vr: NumberVr, count: number): readonly number[] | undefined {
  const values = numbers(set, tag, vr);
  return values.length === count && values.every(Number.isFinite) ? values : undefined;
}

/** As Python reads it; JavaScript's `Number` also takes hexadecimal and the empty text. */
const parseNumber = (value: string): number => (NUMBER.test(value.trim()) ? Number(value) : Number.NaN);

function numberVr({ vr }: Element): NumberVr | undefined {
  return vr === "DS" || vr === "IS" || (vr !== undefined && vr in SIZE) ? (vr as NumberVr) : undefined;
}

function readNumber(view: DataView, at: number, vr: NumberVr, littleEndian: boolean): number {
  switch (vr) {
    case "SS":
      return view.getInt16(at, littleEndian);
    case "UL":
      return view.getUint32(at, littleEndian);
    case "SL":
      return view.getInt32(at, littleEndian);
    case "FL":
      return view.getFloat32(at, littleEndian);
    case "FD":
      return view.getFloat64(at, littleEndian);
    case "UV":
      return Number(view.getBigUint64(at, littleEndian));
    default:
      return view.getUint16(at, littleEndian);
  }
}
