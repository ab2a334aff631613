import { CANARY } from "../format.js";
import { ascii, join, type Layout, type LayoutMaker, latin, layoutOf, type NumberType, packed } from "../layout.js";
import { pattern, picture, sample, written } from "./seeds.js";

const NAMES = new Map([
  [256, "width"],
  [257, "height"],
  [258, "bits"],
  [259, "compression"],
  [262, "photometric"],
  [273, "strip offsets"],
  [274, "orientation"],
  [277, "samples"],
  [278, "rows per strip"],
  [279, "strip sizes"],
  [284, "planar"],
  [317, "predictor"],
  [320, "palette"],
  [322, "tile width"],
  [323, "tile height"],
  [324, "tile offsets"],
  [325, "tile sizes"],
  [338, "extra samples"],
  [339, "sample format"],
]);

/** Directories of a TIFF that begins at `base`. Source: Adobe, "TIFF Revision 6.0", section 2; BigTIFF has wider fields. */
export function tiffFields(made: LayoutMaker, base: number): void {
  const { view, bytes } = made;
  const little = ascii(bytes, base, 2) === "II";
  const big = view.getUint16(base + 2, little) === 43;
  const wide: NumberType = big ? "u64" : "u32";
  const offset = (at: number) => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const first = base + (big ? 8 : 4);
  made.place("first directory", first, wide, little);
  let at = base + offset(first);
  for (let pages = 0; pages < 4 && at > base; pages++) {
    const count = big ? offset(at) : view.getUint16(at, little);
    made.place("entries", at, big ? "u64" : "u16", little);
    let entry = at + (big ? 8 : 2);
    for (let i = 0; i < Math.min(count, 64); i++, entry += big ? 20 : 12) {
      const tag = view.getUint16(entry, little);
      const name = NAMES.get(tag) ?? `tag ${tag}`;
      made.piece(name, entry, entry + (big ? 20 : 12));
      made.fields(entry, `tag_of_${tag}:u16 type_of_${tag}:u16 count_of_${tag}:${wide}`, little);
      const short = view.getUint16(entry + 2, little) === 3;
      made.place(name, entry + (big ? 12 : 8), short ? "u16" : wide, little);
    }
    made.place("next directory", entry, wide, little);
    at = base + offset(entry);
  }
}

export function tiffLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, true, (made) => {
    tiffFields(made, 0);
    for (let at = 8; at + 64 < bytes.length; at += Math.ceil(bytes.length / 6)) made.piece("data", at, at + 64);
  });
}

/** An uncompressed file of either byte order, with 32 or 64-bit offsets. */
function plain(little: boolean, big: boolean, bits: 8 | 16 | 32, format: 1 | 2 | 3): Uint8Array {
  const [width, height] = [11, 9];
  const pixels = pattern((width * bits) / 8, height, 1);
  const wide: NumberType = big ? "u64" : "u32";
  const start = big ? 16 : 8;
  const at = start + pixels.length + CANARY.length + 1 + ((pixels.length + CANARY.length + 1) % 2);
  const entries: readonly (readonly [number, 2 | 3 | 4, number, number])[] = [
    [256, 3, 1, width],
    [257, 3, 1, height],
    [258, 3, 1, bits],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [270, 2, CANARY.length + 1, start + pixels.length],
    [273, 4, 1, start],
    [277, 3, 1, 1],
    [278, 3, 1, height],
    [279, 4, 1, pixels.length],
    [339, 3, 1, format],
  ];
  const slot = big ? 8 : 4;
  const value = (type: number, v: number) => {
    const own = packed(little, type === 3 ? "u16" : type === 2 ? wide : "u32", v);
    return join(own, new Uint8Array(slot - own.length));
  };
  const text = join(latin(CANARY), new Uint8Array(at - start - pixels.length - CANARY.length));
  return join(
    latin(little ? "II" : "MM"),
    big ? packed(little, "u16", 43, "u16", 8, "u16", 0, "u64", at) : packed(little, "u16", 42, "u32", at),
    Uint8Array.from(pixels),
    text,
    packed(little, big ? "u64" : "u16", entries.length),
    ...entries.map(([tag, type, count, v]) =>
      join(packed(little, "u16", tag, "u16", type, wide, count), value(type, v)),
    ),
    packed(little, wide, 0),
  );
}

export async function tiffSeeds(): Promise<readonly Uint8Array[]> {
  return [
    plain(true, false, 8, 1),
    plain(false, false, 16, 1),
    plain(true, true, 8, 1),
    plain(false, true, 16, 2),
    plain(true, false, 32, 3),
    await written(picture(30, 20).tiff({ compression: "lzw", predictor: "horizontal" })),
    await written(picture(40, 33).tiff({ compression: "deflate", tile: true, tileWidth: 16, tileHeight: 16 })),
    await written(picture(24, 24).tiff({ compression: "jpeg" })),
    await written(picture(33, 9, 1).tiff({ compression: "ccittfax4", bitdepth: 1 })),
    await written(picture(20, 20, 4).tiff({ compression: "packbits" })),
    sample("nasty/gray16.tif"),
  ];
}
