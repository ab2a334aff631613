/** Writes DICOM files for tests: explicit VR, little endian. Source: DICOM PS3.5 7.1.2, PS3.10 7.1. */

export type Value = string | Uint8Array | readonly number[] | readonly Elements[];
/** Tag, as eight hexadecimal digits, to VR and value; a list of data sets is a sequence. */
export type Elements = Readonly<Record<string, readonly [vr: string, value: Value]>>;

const LONG = ["OB", "OW", "OD", "OF", "SQ", "UN", "UT"];

function dicomFile(elements: Elements, transferSyntax = "1.2.840.10008.1.2.1"): Uint8Array {
  const meta = dataSet({ "00020010": ["UI", transferSyntax] });
  return joined([new Uint8Array(128), ascii("DICM"), meta, dataSet(elements)]);
}

function dataSet(elements: Elements): Uint8Array {
  const sorted = Object.entries(elements).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return joined(sorted.flatMap(([tag, [vr, value]]) => element(tag, vr, value)));
}

function element(tag: string, vr: string, value: Value): Uint8Array[] {
  const content = bytesOf(vr, value);
  const long = LONG.includes(vr);
  const head = new DataView(new ArrayBuffer(long ? 12 : 8));
  head.setUint16(0, Number.parseInt(tag.slice(0, 4), 16), true);
  head.setUint16(2, Number.parseInt(tag.slice(4), 16), true);
  head.setUint8(4, vr.charCodeAt(0));
  head.setUint8(5, vr.charCodeAt(1));
  if (long) head.setUint32(8, content.length, true);
  else head.setUint16(6, content.length, true);
  return [new Uint8Array(head.buffer), content];
}

function bytesOf(vr: string, value: Value): Uint8Array {
  if (value instanceof Uint8Array) return joined([value, new Uint8Array(value.length % 2)]);
  if (typeof value === "string") return ascii(value.length % 2 === 0 ? value : value + (vr === "UI" ? "\0" : " "));
  if (typeof value[0] === "object") return joined((value as readonly Elements[]).map(item));
  const numbers = value as readonly number[];
  if (vr === "US") return new Uint8Array(Uint16Array.from(numbers).buffer);
  if (vr === "UL") return new Uint8Array(Uint32Array.from(numbers).buffer);
  if (vr === "FD") return new Uint8Array(Float64Array.from(numbers).buffer);
  return bytesOf(vr, numbers.join("\\"));
}

function item(elements: Elements): Uint8Array {
  const content = dataSet(elements);
  const head = new DataView(new ArrayBuffer(8));
  head.setUint16(0, 0xfffe, true);
  head.setUint16(2, 0xe000, true);
  head.setUint32(4, content.length, true);
  return joined([new Uint8Array(head.buffer), content]);
}

const ascii = (text: string) => new TextEncoder().encode(text);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A slice of 16-bit pixels of 3 columns and 2 rows at a place along z, with what is given over it. */
export function sliceFile(
  given: { readonly z?: number; readonly sop?: string; readonly pixels?: readonly number[] },
  over: Elements = {},
) {
  const { z, sop = `1.2.3.${z}`, pixels = [0, 1, 2, 3, 4, 5] } = given;
  const elements: Record<string, readonly [string, Value]> = {
    "00080018": ["UI", sop],
    "00080060": ["CS", "CT"],
    "0020000E": ["UI", "1.2.840.99.1"],
    "00280002": ["US", [1]],
    "00280004": ["CS", "MONOCHROME2"],
    "00280010": ["US", [2]],
    "00280011": ["US", [3]],
    "00280100": ["US", [16]],
    "00280101": ["US", [16]],
    "00280102": ["US", [15]],
    "00280103": ["US", [1]],
    "7FE00010": ["OW", new Uint8Array(Int16Array.from(pixels).buffer)],
    ...(z !== undefined && {
      "00200032": ["DS", [-10, -20, z]],
      "00200037": ["DS", [1, 0, 0, 0, 1, 0]],
      "00280030": ["DS", [2, 3]],
    }),
    ...over,
  };
  // An element is taken away by an empty VR.
  return dicomFile(Object.fromEntries(Object.entries(elements).filter(([, [vr]]) => vr !== "")));
}
