import { join, type Layout, latin, layoutOf, packed } from "../layout.js";
import { pattern } from "./seeds.js";

/** Source: Microsoft, "Bitmap Storage". */
export function bmpLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, true, (made) => {
    made.fields(2, "file_size:u32 reserved:u32 pixel_offset:u32 header_size:u32");
    const size = made.view.getUint32(14, true);
    if (size === 12) made.fields(18, "width:u16 height:u16 planes:u16 bits:u16");
    else {
      made.fields(
        18,
        "width:u32 height:u32 planes:u16 bits:u16 compression:u32 bytes:u32 x:u32 y:u32 colours:u32 important:u32",
      );
      made.fields(54, "red:u32 green:u32 blue:u32 alpha:u32");
    }
    made.piece("header", 14, 14 + size);
    made.piece("palette", 14 + size, made.view.getUint32(10, true));
    made.piece("rows", made.view.getUint32(10, true), bytes.length);
  });
}

function bmp(bits: number, header: 12 | 40 | 108, height: number, compression: 0 | 3 | 6 = 0): Uint8Array {
  const width = 13;
  const rows = Math.abs(height);
  const stride = Math.ceil((width * bits) / 32) * 4;
  const count = bits <= 8 ? 2 ** bits : 0;
  const masks = compression === 0 || header > 40 ? 0 : compression === 6 ? 16 : 12;
  const offset = 14 + header + masks + count * (header === 12 ? 3 : 4);
  const fields =
    header === 12
      ? packed(true, "u16", width, "u16", height, "u16", 1, "u16", bits)
      : packed(
          true,
          "u32",
          width,
          "u32",
          height,
          "u16",
          1,
          "u16",
          bits,
          "u32",
          compression,
          "u32",
          0,
          "u32",
          0,
          "u32",
          0,
          "u32",
          count,
          "u32",
          0,
        );
  const colours = bits === 16 ? [0xf800, 0x7e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0xff000000];
  const wide = packed(true, ...colours.flatMap((mask) => ["u32" as const, mask]));
  const rest = header === 108 ? join(wide, new Uint8Array(52)) : wide.subarray(0, masks);
  return join(
    latin("BM"),
    packed(true, "u32", offset + stride * rows, "u32", 0, "u32", offset, "u32", header),
    fields,
    rest,
    Uint8Array.from(pattern(count, 1, header === 12 ? 3 : 4)),
    Uint8Array.from(pattern(stride, rows, 1)),
  );
}

export const bmpSeeds = (): readonly Uint8Array[] => [
  bmp(1, 40, 9),
  bmp(4, 40, -9),
  bmp(8, 12, 7),
  bmp(8, 40, 7),
  bmp(16, 40, 8),
  bmp(16, 40, 8, 3),
  bmp(24, 40, 5),
  bmp(24, 12, 5),
  bmp(32, 40, -6, 3),
  bmp(32, 40, 6, 6),
  bmp(32, 108, 6, 3),
];
