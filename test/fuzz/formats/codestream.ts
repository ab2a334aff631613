import { type Layout, type LayoutMaker, layoutOf } from "../layout.js";
import { jpegLayout } from "./jpeg.js";

/** Of a compressed frame, by its transfer syntax. */
export function codestreamLayout(bytes: Uint8Array, uid: string): Layout {
  if (uid.endsWith(".2.5")) return rleLayout(bytes);
  return /\.4\.(?:9\d|20\d)$/.test(uid) ? j2kLayout(bytes) : jpegLayout(bytes);
}

/** Source: DICOM PS3.5 annex G. */
function rleLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, true, (made) => {
    made.place("segments", 0, "u32");
    const offsets = Array.from({ length: 15 }, (_, i) => made.view.getUint32(4 + 4 * i, true)).filter((at) => at > 0);
    for (let i = 0; i < 15; i++) made.place(`offset ${i}`, 4 + 4 * i, "u32");
    offsets.forEach((at, i) => {
      made.piece(`segment ${i}`, at, offsets[i + 1] ?? bytes.length);
      for (let next = at, runs = 0; next < bytes.length && runs < 6; runs++) {
        made.place("run", next, "u8");
        next += bytes[next]! < 128 ? bytes[next]! + 2 : 2;
      }
    });
  });
}

const FIELDS = new Map([
  [
    0xff51,
    "capabilities:u16 width:u32 height:u32 x:u32 y:u32 tile_width:u32 tile_height:u32 tile_x:u32 tile_y:u32 components:u16 bits:u8 step_x:u8 step_y:u8 bits2:u8 step_x2:u8 step_y2:u8",
  ],
  [
    0xff52,
    "style:u8 order:u8 layers:u16 transform:u8 levels:u8 block_width:u8 block_height:u8 block_style:u8 wavelet:u8 precinct:u8 precinct2:u8",
  ],
  [0xff53, "component:u8 style:u8 levels:u8 block_width:u8 block_height:u8 block_style:u8 wavelet:u8"],
  [0xff5c, "style:u8 step:u16 step2:u16 step3:u16"],
  [0xff5d, "component:u8 style:u8 step:u16"],
  [0xff50, "part:u32 htj2k:u16"],
  [0xff90, "tile:u16 length:u32 part:u8 parts:u8"],
  [0xff5f, "from_resolution:u8 from_component:u8 to_layer:u16 to_resolution:u8 to_component:u8 order:u8"],
  [0xff55, "index:u8 sizes:u8 length:u32"],
]);

/** Source: ISO/IEC 15444-1 annex A. */
function j2kLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, false, (made) => {
    let at = 2;
    while (at + 4 <= bytes.length) {
      const marker = made.view.getUint16(at);
      if (marker === 0xff93) at = data(made, at);
      else {
        const length = made.view.getUint16(at + 2);
        const name = `segment ${marker.toString(16)}`;
        made.place(`${name} length`, at + 2, "u16");
        made.piece(name, at, at + 2 + length);
        const fields = FIELDS.get(marker);
        if (fields !== undefined) made.fields(at + 4, fields);
        at += 2 + length;
      }
    }
  });
}

/** The packets of a tile part, which runs to the next one or the end. */
function data(made: LayoutMaker, from: number): number {
  let at = from + 2;
  while (at + 1 < made.bytes.length && !(made.bytes[at] === 0xff && made.bytes[at + 1]! > 0x8f)) at++;
  const size = Math.max(1, Math.ceil((at - from) / 4));
  for (let part = from + 2; part < at; part += size) made.piece("packets", part, Math.min(at, part + size));
  return at;
}
