import { CANARY } from "../format.js";
import { join, type Layout, type LayoutMaker, latin, layoutOf, packed } from "../layout.js";
import { picture, written } from "./seeds.js";

const tableSize = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Source: CompuServe, "Graphics Interchange Format, version 89a". */
export function gifLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, true, (made) => {
    made.fields(6, "width:u16 height:u16 flags:u8 background:u8 aspect:u8");
    let at = 13;
    const table = tableSize(bytes[10]!);
    made.piece("colour table", at, at + table);
    at += table;
    while (at < bytes.length && bytes[at] !== 0x3b) {
      const from = at;
      if (bytes[at] === 0x2c) {
        made.fields(at + 1, "x:u16 y:u16 width:u16 height:u16 flags:u8");
        at += 10 + tableSize(bytes[at + 9]!);
        made.place("code size", at, "u8");
        at = subBlocks(made, at + 1);
        made.piece("picture", from, at);
      } else {
        if (bytes[at + 1] === 0xf9) made.fields(at + 3, "flags:u8 delay:u16 transparent:u8");
        at = subBlocks(made, at + 2);
        made.piece(`extension ${bytes[from + 1]}`, from, at);
      }
    }
  });
}

function subBlocks(made: LayoutMaker, from: number): number {
  let at = from;
  for (let length = made.view.getUint8(at); length > 0; length = made.view.getUint8(at)) {
    made.place("block length", at, "u8");
    at += 1 + length;
  }
  return at + 1;
}

/** One frame by codes that clear so often that they never grow: 7 bits of a pixel in 8. */
function plain(width: number, height: number, frames: number): Uint8Array {
  const frame = Uint8Array.from({ length: width * height }, (_, i) => i % 128);
  const codes: number[] = [];
  for (let i = 0; i < frame.length; i += 64) codes.push(128, ...frame.subarray(i, i + 64));
  codes.push(129);
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < codes.length; i += 255) {
    const part = codes.slice(i, i + 255);
    blocks.push(Uint8Array.from([part.length, ...part]));
  }
  const one = join(
    packed(true, "u8", 0x21, "u8", 0xf9, "u8", 4, "u8", 4, "u16", 7, "u8", 0, "u8", 0),
    packed(true, "u8", 0x2c, "u16", 0, "u16", 0, "u16", width, "u16", height, "u8", 0, "u8", 7),
    ...blocks,
    new Uint8Array(1),
  );
  return join(
    latin("GIF89a"),
    packed(true, "u16", width, "u16", height, "u8", 0xf6, "u8", 0, "u8", 0),
    Uint8Array.from({ length: 384 }, (_, i) => (i * 7) % 256),
    latin("\x21\xfe"),
    packed(true, "u8", CANARY.length),
    latin(CANARY),
    new Uint8Array(1),
    ...Array<Uint8Array>(frames).fill(one),
    latin("\x3b"),
  );
}

export async function gifSeeds(): Promise<readonly Uint8Array[]> {
  return [
    plain(16, 12, 1),
    plain(20, 8, 3),
    await written(picture(30, 22).gif()),
    await written(picture(18, 18, 4).gif({ interFrameMaxError: 0, colours: 8 })),
  ];
}
