import { deflateSync, inflateSync } from "node:zlib";
import { crc32 } from "../../../packages/processor/src/volume/gunzip.js";
import { CANARY, type Inner } from "../format.js";
import { ascii, join, type Layout, latin, layoutOf, packed } from "../layout.js";
import { pattern, picture, sample, written } from "./seeds.js";

interface Chunk {
  readonly kind: string;
  readonly at: number;
  readonly length: number;
}

/** As long as the lengths make sense. Source: W3C, "Portable Network Graphics", 5.3. */
function chunks(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Chunk[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) break;
    found.push({ kind: ascii(bytes, at + 4), at, length });
    at += 12 + length;
  }
  return found;
}

const FIELDS = new Map([
  ["IHDR", "width:u32 height:u32 bits:u8 colour:u8 compression:u8 filter:u8 interlace:u8"],
  ["pHYs", "x:u32 y:u32 unit:u8"],
  ["gAMA", "gamma:u32"],
  ["acTL", "frames:u32 plays:u32"],
  ["fcTL", "number:u32 width:u32 height:u32 x:u32 y:u32 delay:u16 of:u16 dispose:u8 blend:u8"],
  ["tRNS", "first:u16 second:u16 third:u16"],
  ["IDAT", "zlib:u8 flags:u8"],
]);

export function pngLayout(bytes: Uint8Array): Layout {
  return layoutOf(bytes, false, (made) => {
    for (const { kind, at, length } of chunks(bytes)) {
      made.piece(kind, at, at + 12 + length);
      made.place(`${kind} length`, at, "u32");
      const fields = FIELDS.get(kind);
      if (fields !== undefined) made.fields(at + 8, fields);
    }
  });
}

export function pngMend(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  const view = new DataView(out.buffer);
  for (const { at, length } of chunks(out))
    view.setUint32(at + 8 + length, crc32(out.subarray(at + 4, at + 8 + length)));
  return out;
}

/** The filtered rows. */
export function pngInner(bytes: Uint8Array): readonly Inner[] {
  const all = chunks(bytes);
  const data = all.filter(({ kind }) => kind === "IDAT");
  if (data[0] === undefined) return [];
  let content: Uint8Array;
  try {
    const zipped = join(...data.map(({ at, length }) => bytes.subarray(at + 8, at + 8 + length)));
    content = new Uint8Array(inflateSync(zipped, { maxOutputLength: 2 ** 20 }));
  } catch {
    return [];
  }
  const others = (from: (chunk: Chunk) => boolean) =>
    all.filter((c) => c.kind !== "IDAT" && from(c)).map(({ at, length }) => bytes.subarray(at, at + 12 + length));
  const first = data[0].at;
  return [
    {
      what: "rows",
      content,
      layout: (rows) => layoutOf(rows, false, (made) => made.piece("a row", 0, Math.min(16, rows.length))),
      close: (rows) =>
        join(
          bytes.subarray(0, 8),
          ...others((c) => c.at < first),
          chunk("IDAT", deflateSync(rows)),
          ...others((c) => c.at > first),
        ),
    },
  ];
}

function chunk(kind: string, data: Uint8Array): Uint8Array {
  const body = join(latin(kind), data);
  return join(packed(false, "u32", data.length), body, packed(false, "u32", crc32(body)));
}

/** A file of one colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
function png(colour: number, bits: number, interlace: number): Uint8Array {
  const [width, height] = [19, 13];
  const samples = new Map([
    [0, 1],
    [2, 3],
    [3, 1],
    [4, 2],
    [6, 4],
  ]).get(colour)!;
  const pass = (columns: number, rows: number) => {
    const stride = Math.ceil((columns * samples * bits) / 8);
    const bytes = pattern(stride, rows, 1);
    return Array.from({ length: rows }, (_, y) => [y % 5, ...bytes.slice(y * stride, (y + 1) * stride)]).flat();
  };
  const steps = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  const rows =
    interlace === 0
      ? pass(width, height)
      : steps.flatMap(([x, y, dx, dy]) => {
          const [columns, lines] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
          return columns > 0 && lines > 0 ? pass(columns, lines) : [];
        });
  return join(
    latin("\x89PNG\r\n\x1a\n"),
    chunk(
      "IHDR",
      packed(false, "u32", width, "u32", height, "u8", bits, "u8", colour, "u8", 0, "u8", 0, "u8", interlace),
    ),
    chunk("tEXt", latin(`Comment\0${CANARY}`)),
    chunk("iTXt", latin(`Patient\0\0\0\0\0${CANARY}`)),
    ...(colour === 3
      ? [chunk("PLTE", Uint8Array.from(pattern(2 ** bits, 1, 3))), chunk("tRNS", new Uint8Array(3))]
      : []),
    chunk("IDAT", deflateSync(Uint8Array.from(rows))),
    chunk("IEND", new Uint8Array()),
  );
}

export async function pngSeeds(): Promise<readonly Uint8Array[]> {
  const kinds = [
    [0, 1, 0],
    [0, 2, 1],
    [0, 8, 0],
    [0, 16, 0],
    [0, 16, 1],
    [2, 8, 0],
    [2, 16, 1],
    [3, 4, 0],
    [3, 8, 1],
    [4, 8, 0],
    [4, 16, 0],
    [6, 8, 1],
    [6, 16, 0],
  ] as const;
  return [
    ...kinds.map(([colour, bits, interlace]) => png(colour, bits, interlace)),
    await written(picture(21, 14).png()),
    await written(picture(9, 30, 4).png({ palette: true })),
    sample("nasty/adam7.png"),
    sample("nasty/thin.png"),
  ];
}
