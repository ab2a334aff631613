import { CANARY } from "../format.js";
import { ascii, join, type Layout, type LayoutMaker, latin, layoutOf, packed } from "../layout.js";
import { picture, written } from "./seeds.js";

const FIELDS = new Map([
  ["VP8X", "flags:u32 width:u24 height:u24"],
  ["VP8 ", "frame:u24 start:u24 width:u16 height:u16"],
  ["VP8L", "signature:u8 size:u32"],
  ["ANIM", "background:u32 loops:u16"],
  ["ANMF", "x:u24 y:u24 width:u24 height:u24 duration:u24 flags:u8"],
  ["ALPH", "flags:u8"],
  [
    "avih",
    "period:u32 rate:u32 padding:u32 flags:u32 frames:u32 initial:u32 streams:u32 buffer:u32 width:u32 height:u32",
  ],
  [
    "strh",
    "type:u32 handler:u32 flags:u32 priority:u32 initial:u32 scale:u32 rate:u32 start:u32 length:u32 buffer:u32",
  ],
  ["strf", "size:u32 width:u32 height:u32 planes:u16 bits:u16 compression:u32 bytes:u32"],
]);

/** Chunks of WebP and AVI, and those within them. Source: RFC 9649; Microsoft, "AVI RIFF File Reference". */
export function riffLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, true, (made) => {
    made.place("file size", 4, "u32");
    walk(made, 12, bytes.length);
  });
}

function walk(made: LayoutMaker, from: number, to: number): void {
  for (let at = from; at + 8 <= to; ) {
    const kind = ascii(made.bytes, at);
    const length = made.view.getUint32(at + 4, true);
    const end = at + 8 + length + (length % 2);
    made.place(`${kind} size`, at + 4, "u32");
    made.piece(kind, at, Math.min(end, to));
    const fields = FIELDS.get(kind);
    if (fields !== undefined) made.fields(at + 8, fields);
    if (kind === "LIST") walk(made, at + 12, Math.min(end, to));
    if (kind === "ANMF") walk(made, at + 24, Math.min(end, to));
    at = end;
  }
}

/** The size of the whole. */
export function riffMend(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  if (out.length >= 8) new DataView(out.buffer).setUint32(4, out.length - 8, true);
  return out;
}

export async function webpSeeds(): Promise<readonly Uint8Array[]> {
  const comment = join(latin("XMP "), packed(true, "u32", CANARY.length), latin(CANARY));
  const all = [
    await written(picture(30, 20).webp({ quality: 60 })),
    await written(picture(17, 33).webp({ lossless: true })),
    await written(picture(16, 16, 4).webp({ quality: 50 })),
    await written(picture(21, 9, 4).webp({ nearLossless: true })),
    await written(picture(12, 30).webp({ loop: 0, delay: [50, 60, 70] })),
  ];
  return all.map((bytes) => riffMend(join(bytes, comment)));
}
