import type { Reader } from "../bytes.js";
import { corrupt, type StreamShape, unread } from "../format.js";
import { type HuffmanTable, huffmanTable } from "./huffman.js";

/** How a frame is coded, by the number of its SOF marker. */
export type Coding = "sequential" | "progressive" | "lossless";

/** Source: ITU-T T.81 B.2.2. */
export interface FrameHeader extends StreamShape {
  readonly coding: Coding;
  readonly components: readonly ComponentHeader[];
}

export interface ComponentHeader {
  readonly id: number;
  /** Sampling factors, 1 to 4. */
  readonly h: number;
  readonly v: number;
  /** Number of its quantization table. */
  readonly quantization: number;
}

/** Source: ITU-T T.81 B.2.3. */
export interface ScanHeader {
  readonly components: readonly { readonly index: number; readonly dc: number; readonly ac: number }[];
  /** Ss: the first coefficient, or the predictor. */
  readonly from: number;
  /** Se: the last coefficient. */
  readonly to: number;
  /** Ah: the bit position before, 0 in a first scan. */
  readonly high: number;
  /** Al: the bit position, or the point transform. */
  readonly low: number;
}

/** What is told before and between scans, and holds until it is told anew. */
export interface Tables {
  readonly quantization: (Uint16Array | undefined)[];
  readonly dc: (HuffmanTable | undefined)[];
  readonly ac: (HuffmanTable | undefined)[];
  restartInterval: number;
  jfif: boolean;
  /** Transform flag of Adobe's segment. */
  adobe: number | undefined;
}

export const noTables = (): Tables => ({
  quantization: [],
  dc: [],
  ac: [],
  restartInterval: 0,
  jfif: false,
  adobe: undefined,
});

const CODING: ReadonlyMap<number, Coding> = new Map([
  [0xffc0, "sequential"],
  [0xffc1, "sequential"],
  [0xffc2, "progressive"],
  [0xffc3, "lossless"],
]);

/** SOF markers lie around those of other tables. */
export const isFrame = (marker: number): boolean =>
  marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);

/** Where the next marker's code stands; fill bytes and what is between are passed over. */
export function nextMarker(reader: Reader, from: number): number {
  for (let at = from; ; at++) {
    const marker = reader.u16(at);
    if (marker > 0xff00 && marker < 0xffff) return at;
  }
}

/** Order of coefficients in the stream, as places in rows of 8. Source: ITU-T T.81 figure A.6. */
export const ZIGZAG = Uint8Array.of(
  ...[
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28,
  ],
  ...[
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
    55, 62, 63,
  ],
);

/** SOFn, its marker at `at`. */
export function readFrame(reader: Reader, at: number): FrameHeader {
  const marker = reader.u16(at);
  const coding = CODING.get(marker);
  if (coding === undefined)
    throw unread(`JPEG: arithmetic coding and hierarchies are not read (SOF${marker - 0xffc0})`);
  const [precision, samples] = [reader.u8(at + 4), reader.u8(at + 9)];
  if (reader.segmentEnd(at + 2) !== at + 10 + 3 * samples) throw corrupt("JPEG: a frame header has a wrong length");
  const [least, most] = coding === "lossless" ? [2, 16] : marker === 0xffc0 ? [8, 8] : [8, 12];
  if (precision < least || precision > most || (coding !== "lossless" && precision % 4 !== 0))
    throw corrupt(`JPEG: samples of ${precision} bits cannot be in SOF${marker - 0xffc0}`);
  const components = Array.from({ length: samples }, (_, i) => {
    const from = at + 10 + 3 * i;
    const sampling = reader.u8(from + 1);
    return { id: reader.u8(from), h: sampling >> 4, v: sampling & 15, quantization: reader.u8(from + 2) };
  });
  if (components.some(({ h, v, quantization }) => h < 1 || h > 4 || v < 1 || v > 4 || quantization > 3))
    throw corrupt("JPEG: a component has wrong sampling factors or no table");
  return { coding, precision, samples, rows: reader.u16(at + 5), columns: reader.u16(at + 7), components };
}

/** SOS, its marker at `at`. */
export function readScan(reader: Reader, at: number, frame: FrameHeader): ScanHeader {
  const count = reader.u8(at + 4);
  if (count < 1 || count > 4 || reader.segmentEnd(at + 2) !== at + 8 + 2 * count)
    throw corrupt("JPEG: a scan header has a wrong length");
  const components = Array.from({ length: count }, (_, i) => {
    const [id, tables] = [reader.u8(at + 5 + 2 * i), reader.u8(at + 6 + 2 * i)];
    return { index: frame.components.findIndex((c) => c.id === id), dc: tables >> 4, ac: tables & 15 };
  });
  const known = new Set(components.map(({ index }) => index));
  if (known.has(-1) || known.size !== count)
    throw corrupt("JPEG: a scan names components that are not there, or twice");
  const end = at + 5 + 2 * count;
  const position = reader.u8(end + 2);
  return { components, from: reader.u8(end), to: reader.u8(end + 1), high: position >> 4, low: position & 15 };
}

/** Any other segment, from its marker at `at`: tables are taken, what decides colour is noted. */
export function readTables(reader: Reader, at: number, tables: Tables): void {
  const marker = reader.u16(at);
  const end = reader.segmentEnd(at + 2);
  if (marker === 0xffdb) readQuantization(reader, at + 4, end, tables);
  if (marker === 0xffc4) readHuffman(reader, at + 4, end, tables);
  if (marker === 0xffdd) tables.restartInterval = reader.u16(at + 4);
  if (marker === 0xffe0 && end >= at + 18 && reader.u32(at + 4) === 0x4a464946) tables.jfif = true;
  // "Adobe", version, two flags, transform.
  if (marker === 0xffee && end >= at + 16 && reader.u32(at + 4) === 0x41646f62 && reader.u8(at + 8) === 0x65)
    tables.adobe = reader.u8(at + 15);
}

function readQuantization(reader: Reader, from: number, end: number, tables: Tables): void {
  for (let at = from; at < end; ) {
    const head = reader.u8(at++);
    const wide = head >> 4 !== 0;
    if ((head & 15) > 3 || at + (wide ? 128 : 64) > end) throw corrupt("JPEG: a quantization table is cut");
    const table = new Uint16Array(64);
    for (let k = 0; k < 64; k++) table[ZIGZAG[k]!] = wide ? reader.u16(at + 2 * k) : reader.u8(at + k);
    tables.quantization[head & 15] = table;
    at += wide ? 128 : 64;
  }
}

function readHuffman(reader: Reader, from: number, end: number, tables: Tables): void {
  for (let at = from; at < end; ) {
    const head = reader.u8(at);
    const counts = Uint8Array.from({ length: 16 }, (_, i) => reader.u8(at + 1 + i));
    const total = counts.reduce((sum, n) => sum + n, 0);
    if ((head & 0xef) > 3 || total > 256 || at + 17 + total > end) throw corrupt("JPEG: a Huffman table is cut");
    const symbols = Uint8Array.from({ length: total }, (_, i) => reader.u8(at + 17 + i));
    (head & 0x10 ? tables.ac : tables.dc)[head & 3] = huffmanTable(counts, symbols);
    at += 17 + total;
  }
}
