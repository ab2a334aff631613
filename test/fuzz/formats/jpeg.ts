import { CANARY } from "../format.js";
import { join, type Layout, type LayoutMaker, latin, layoutOf, packed } from "../layout.js";
import { picture, sample, written } from "./seeds.js";
import { tiffFields } from "./tiff.js";

/** Segments of JPEG, lossless JPEG and JPEG-LS. Source: ITU-T T.81, annex B; T.87, annex C. */
export function jpegLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, false, (made) => {
    let at = 2;
    while (at + 4 <= bytes.length && bytes[at] === 0xff) {
      const marker = bytes[at + 1]!;
      if (marker === 0xd9 || (marker >= 0xd0 && marker <= 0xd7)) {
        made.piece(`marker ${marker.toString(16)}`, at, at + 2);
        at += 2;
        continue;
      }
      const name = `segment ${marker.toString(16)}`;
      const length = made.view.getUint16(at + 2);
      made.place(`${name} length`, at + 2, "u16");
      made.piece(name, at, at + 2 + length);
      segment(made, marker, at + 4, length - 2);
      at += 2 + length;
      if (marker === 0xda) at = scan(made, at);
    }
  });
}

function segment(made: LayoutMaker, marker: number, at: number, length: number): void {
  const { bytes } = made;
  const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
  if (frame || marker === 0xf7) {
    made.fields(at, "bits:u8 height:u16 width:u16 components:u8");
    for (let i = 0; i < bytes[at + 5]!; i++) made.fields(at + 6 + 3 * i, "component:u8 sampling:u8 table:u8");
  } else if (marker === 0xc4) {
    made.place("Huffman table", at, "u8");
    for (let i = 1; i <= 16; i++) made.place(`codes of ${i} bits`, at + i, "u8");
    made.place("a Huffman value", at + 17, "u8");
  } else if (marker === 0xdb) made.fields(at, "quantizer:u8 first:u8 second:u8");
  else if (marker === 0xdd) made.place("restart interval", at, "u16");
  else if (marker === 0xda) {
    const count = bytes[at]!;
    made.place("components of the scan", at, "u8");
    for (let i = 0; i < count; i++) made.fields(at + 1 + 2 * i, "component:u8 tables:u8");
    made.fields(at + 1 + 2 * count, "from:u8 to:u8 approximation:u8");
  } else if (marker === 0xf8) made.fields(at, "preset:u8 most:u16 t1:u16 t2:u16 t3:u16 reset:u16");
  else if (marker === 0xee) made.fields(at + 5, "version:u16 a:u16 b:u16 transform:u8");
  else if (marker === 0xe1 && length > 14) tiffFields(made, at + 6);
}

/** Entropy-coded bytes up to the next marker, in a few pieces. */
function scan(made: LayoutMaker, from: number): number {
  const { bytes } = made;
  let at = from;
  while (at + 1 < bytes.length && (bytes[at] !== 0xff || bytes[at + 1] === 0)) at++;
  const size = Math.max(1, Math.ceil((at - from) / 4));
  for (let part = from; part < at; part += size) made.piece("scan data", part, Math.min(at, part + size));
  return at;
}

/** Right after the begin. */
const withComment = (bytes: Uint8Array): Uint8Array =>
  join(
    bytes.subarray(0, 2),
    latin("\xff\xfe"),
    packed(false, "u16", CANARY.length + 2),
    latin(CANARY),
    bytes.subarray(2),
  );

export async function jpegSeeds(): Promise<readonly Uint8Array[]> {
  return [
    await written(picture(33, 17).jpeg({ quality: 80 })),
    await written(picture(17, 16).jpeg({ quality: 95, chromaSubsampling: "4:4:4" })),
    await written(picture(40, 24).jpeg({ progressive: true })),
    await written(picture(20, 20, 1).jpeg({ quality: 60 })),
    await written(picture(16, 24).toColourspace("cmyk").jpeg()),
    await written(picture(48, 8).jpeg({ optimiseCoding: true, trellisQuantisation: false })),
    sample("nasty/gray.jpg"),
  ].map(withComment);
}
