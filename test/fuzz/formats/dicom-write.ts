import { deflateRawSync } from "node:zlib";
import { CANARY } from "../format.js";
import { join, latin, type NumberType, packed } from "../layout.js";

/** How a data set is written. */
export interface Encoding {
  readonly uid: string;
  readonly explicit: boolean;
  readonly little: boolean;
  readonly deflated?: boolean;
}

const ROOT = "1.2.840.10008.1.2";
export const EXPLICIT: Encoding = { uid: `${ROOT}.1`, explicit: true, little: true };
export const IMPLICIT: Encoding = { uid: ROOT, explicit: false, little: true };
export const BIG_ENDIAN: Encoding = { uid: `${ROOT}.2`, explicit: true, little: false };
export const DEFLATED: Encoding = { uid: `${ROOT}.1.99`, explicit: true, little: true, deflated: true };
export const encapsulated = (end: string): Encoding => ({ ...EXPLICIT, uid: `${ROOT}.${end}` });

/** Of a sequence its items; `fragments` are pixels in pieces, the offset table first. */
export type Value =
  | string
  | Uint8Array
  | readonly number[]
  | { readonly items: readonly Tag[][]; readonly open?: boolean }
  | { readonly fragments: readonly Uint8Array[] };
export type Tag = readonly [tag: number, vr: string, value: Value];

const NUMBERS = new Map<string, NumberType>([
  ["US", "u16"],
  ["SS", "u16"],
  ["UL", "u32"],
  ["SL", "u32"],
  ["FL", "f32"],
  ["FD", "f64"],
  ["OW", "u16"],
]);
export const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const OPEN = 0xffffffff;

/** Elements, sorted by their tags. Source: DICOM PS3.5 7. */
export function dataSet(tags: readonly Tag[], encoding: Encoding): Uint8Array {
  return join(...[...tags].sort(([a], [b]) => a - b).map((tag) => element(tag, encoding)));
}

function element([tag, vr, value]: Tag, encoding: Encoding): Uint8Array {
  const { little, explicit } = encoding;
  const bytes = bytesOf(vr, value, encoding);
  const open = typeof value === "object" && ("fragments" in value || ("items" in value && value.open === true));
  const number = packed(little, "u16", Math.floor(tag / 65536), "u16", tag % 65536);
  const length = open ? OPEN : bytes.length;
  if (!explicit) return join(number, packed(little, "u32", length), bytes);
  if (LONG.has(vr)) return join(number, latin(vr), packed(little, "u16", 0, "u32", length), bytes);
  return join(number, latin(vr), packed(little, "u16", length), bytes);
}

function bytesOf(vr: string, value: Value, encoding: Encoding): Uint8Array {
  const { little } = encoding;
  if (typeof value === "string") return even(latin(value), vr === "UI" ? 0 : 32);
  if (value instanceof Uint8Array) return even(value, 0);
  if ("fragments" in value)
    return join(...value.fragments.map((part) => item(even(part, 0), little)), delimiter(0xe0dd, little));
  if ("items" in value) {
    const all = value.items.map((tags) => {
      const inside = dataSet(tags, encoding);
      return value.open
        ? join(packed(little, "u16", 0xfffe, "u16", 0xe000, "u32", OPEN), inside, delimiter(0xe00d, little))
        : item(inside, little);
    });
    return join(...all, ...(value.open ? [delimiter(0xe0dd, little)] : []));
  }
  const type = NUMBERS.get(vr) ?? "u16";
  return packed(little, ...value.flatMap((number) => [type, number] as const));
}

const even = (bytes: Uint8Array, pad: number) => (bytes.length % 2 === 0 ? bytes : join(bytes, Uint8Array.of(pad)));
const item = (bytes: Uint8Array, little: boolean) =>
  join(packed(little, "u16", 0xfffe, "u16", 0xe000, "u32", bytes.length), bytes);
const delimiter = (element: number, little: boolean) => packed(little, "u16", 0xfffe, "u16", element, "u32", 0);

/** Frames of one fragment each. @param table whether the offset table is filled */
export function fragmentsOf(
  frames: readonly Uint8Array[],
  table: boolean,
): { readonly fragments: readonly Uint8Array[] } {
  let at = 0;
  const offsets = frames.flatMap((frame) => {
    const here = at;
    at += 8 + frame.length + (frame.length % 2);
    return ["u32" as const, here];
  });
  return { fragments: [table ? packed(true, ...offsets) : new Uint8Array(), ...frames] };
}

/** A file with preamble and meta. Source: DICOM PS3.10 7. */
export function dicomFile(tags: readonly Tag[], encoding: Encoding): Uint8Array {
  const meta = dataSet(
    [
      [0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.2"],
      [0x00020003, "UI", "1.2.3.4"],
      [0x00020010, "UI", encoding.uid],
    ],
    EXPLICIT,
  );
  const head = join(new Uint8Array(128), latin("DICM"), element([0x00020000, "UL", [meta.length]], EXPLICIT), meta);
  const data = dataSet(tags, encoding);
  return join(head, encoding.deflated ? new Uint8Array(deflateRawSync(data)) : data);
}

/** Who was examined, where and by whom: what must never be quoted. */
export const NAMES: readonly Tag[] = [
  [0x00080005, "CS", "ISO_IR 100"],
  [0x00080008, "CS", `ORIGINAL\\PRIMARY\\${CANARY.slice(0, 12).toUpperCase()}`],
  [0x00080050, "SH", CANARY.slice(0, 16)],
  [0x00080080, "LO", CANARY],
  [0x00080090, "PN", CANARY],
  [0x00081030, "LO", CANARY],
  [0x00100010, "PN", `${CANARY}^${CANARY}`],
  [0x00100020, "LO", CANARY],
  [0x00104000, "LT", CANARY],
  [0x00180015, "CS", CANARY.slice(0, 8).toUpperCase()],
  [0x00204000, "LT", CANARY],
  [0x00091010, "UN", latin(CANARY)],
  [0x00081140, "SQ", { items: [[[0x00081155, "UI", "1.2.3"]], [[0x00104000, "LT", CANARY]]], open: true }],
];
