import { ascii, type Layout, type LayoutMaker, layoutOf } from "../layout.js";
import { riffLayout } from "./riff.js";
import { sample } from "./seeds.js";

const HOLDERS = new Set(["moov", "trak", "mdia", "minf", "stbl", "edts", "udta", "mvex", "moof", "traf"]);
const FIELDS = new Map([
  ["mvhd", "version:u32 created:u32 modified:u32 timescale:u32 duration:u32"],
  ["mdhd", "version:u32 created:u32 modified:u32 timescale:u32 duration:u32 language:u16"],
  ["hdlr", "version:u32 predefined:u32 handler:u32"],
  ["elst", "version:u32 entries:u32 duration:u32 time:u32 rate:u32"],
  ["stts", "version:u32 entries:u32 count:u32 delta:u32 count2:u32 delta2:u32"],
  ["ctts", "version:u32 entries:u32 count:u32 offset:u32 count2:u32 offset2:u32"],
  ["stsc", "version:u32 entries:u32 first:u32 samples:u32 description:u32"],
  ["stsz", "version:u32 size:u32 count:u32 first:u32 second:u32"],
  ["stss", "version:u32 entries:u32 first:u32 second:u32"],
  ["stco", "version:u32 entries:u32 first:u32 second:u32"],
  [
    "stsd",
    "version:u32 entries:u32 size:u32 format:u32 reserved:u32 reference:u32 a:u32 b:u32 c:u32 d:u32 width:u16 height:u16",
  ],
  ["avcC", "version:u8 profile:u8 compatible:u8 level:u8 length_size:u8 sets:u8 set_length:u16"],
]);

/** Boxes. Source: ISO 14496-12. */
function mp4Layout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, false, (made) => boxes(made, 0, bytes.length));
}

function boxes(made: LayoutMaker, from: number, to: number): void {
  for (let at = from; at + 8 <= to; ) {
    const kind = ascii(made.bytes, at + 4);
    const size = made.view.getUint32(at);
    const end = size < 8 ? to : Math.min(to, at + size);
    made.place(`${kind} size`, at, "u32");
    made.place("kind", at + 4, "u32");
    made.piece(kind, at, end);
    // The matrix stands before the size.
    if (kind === "tkhd") made.fields(at + 84, "width:u32 height:u32");
    if (kind === "tkhd") for (let i = 0; i < 9; i++) made.place("matrix", at + 48 + 4 * i, "u32");
    const fields = FIELDS.get(kind);
    if (fields !== undefined) made.fields(at + 8, fields);
    if (HOLDERS.has(kind)) boxes(made, at + 8, end);
    if (kind === "stsd") boxes(made, at + 102, end);
    at = end;
  }
}

/** IDs of elements that hold others. */
const MASTERS = new Set([
  0x18538067, 0x114d9b74, 0x4dbb, 0x1549a966, 0x1654ae6b, 0xae, 0xe0, 0x1f43b675, 0x1c53bb6b, 0xbb, 0xb7, 0xa0,
]);

/** Elements. Source: RFC 8794, RFC 9559. */
function webmLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, false, (made) => elements(made, 0, bytes.length));
}

function elements(made: LayoutMaker, from: number, to: number): void {
  for (let at = from; at + 2 <= to; ) {
    const idLength = Math.clz32(made.bytes[at]! << 24) + 1;
    if (idLength > 4) return;
    let id = 0;
    for (let i = 0; i < idLength; i++) id = id * 256 + made.view.getUint8(at + i);
    const first = made.view.getUint8(at + idLength);
    const sizeLength = Math.clz32(first << 24) + 1;
    if (sizeLength > 8) return;
    let size = first & (0xff >> sizeLength);
    for (let i = 1; i < sizeLength; i++) size = size * 256 + made.view.getUint8(at + idLength + i);
    const value = at + idLength + sizeLength;
    const unknown = size === 2 ** (7 * sizeLength) - 1;
    const end = unknown ? to : Math.min(to, value + size);
    const name = `element ${id.toString(16)}`;
    made.piece(name, at, end);
    for (let i = 0; i < sizeLength; i++) made.place(`${name} size`, at + idLength + i, "u8");
    if (MASTERS.has(id)) elements(made, value, end);
    else for (let i = value; i < Math.min(end, value + 8); i++) made.place(name, i, "u8");
    at = end;
  }
}

export function clipLayout(bytes: Uint8Array): Layout {
  if (ascii(bytes, 0) === "RIFF") return riffLayout(bytes);
  return bytes[0] === 0x1a ? webmLayout(bytes) : mp4Layout(bytes);
}

export const webmSeeds = (): readonly Uint8Array[] => [sample("video/us_cine_vp9.webm")];
