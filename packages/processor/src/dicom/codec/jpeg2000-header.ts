import { Reader } from "./bytes.js";
import { corrupt, type StreamShape, unread } from "./format.js";
import { type Coding, checkPackets, type Grid, readCoc, readCod } from "./jpeg2000-coding.js";

/** A codestream whose header was read and whose tile-parts are all there. */
export interface Codestream extends StreamShape {
  /** From SOC on, without the end marker. */
  readonly bytes: Uint8Array;
  readonly signed: boolean;
  /** Where in `bytes` each component's sign bit stands: bit 7 of these. */
  readonly signAt: readonly number[];
}

const SOC = 0xff4f;
const SIZ = 0xff51;
const COD = 0xff52;
const COC = 0xff53;
const SOT = 0xff90;
const SOD = 0xff93;
const EOC = 0xffd9;
/** Rsiz: extensions of part 2 are needed to decode. */
const PART_2 = 0x8000;
const SOT_BYTES = 12;

/**
 * What SIZ says, and a walk over all tile-parts: the codec cannot be stopped and reads on where bytes are missing, so that
 * what would make it run long or read beside the data is refused here.
 * Source: ISO/IEC 15444-1 annex A; annex I for a codestream in a JP2 file.
 * @throws ProcessorError `dicom-corrupt`, `dicom-transfer-syntax`.
 */
export function parseCodestream(encoded: Uint8Array): Codestream {
  const bytes = withoutBoxes(encoded);
  const reader = new Reader(bytes, "JPEG 2000");
  if (reader.u16(0) !== SOC || reader.u16(2) !== SIZ) throw corrupt("JPEG 2000: this is no codestream");
  const { grid, ...size } = readSize(reader);
  const main = readHeader(reader, reader.segmentEnd(4), SOT, new Map());
  if (!main.coding.has("all")) throw corrupt("JPEG 2000: there is no COD segment");
  checkPackets(grid, main.coding, reader.length);
  return { bytes: bytes.subarray(0, tilePartsEnd(reader, main.end, grid, main.coding)), ...size };
}

/** The codestream of a JP2 file: DICOM forbids the boxes, and files with them exist. */
function withoutBoxes(encoded: Uint8Array): Uint8Array {
  const reader = new Reader(encoded, "JPEG 2000");
  if (reader.u32(0) !== 12 || reader.u32(4) !== 0x6a502020) return encoded;
  for (let at = 0; at < encoded.length; ) {
    const length = reader.u32(at);
    const kind = reader.u32(at + 4);
    if (kind === 0x6a703263)
      return encoded.subarray(at + (length === 1 ? 16 : 8), length > 1 ? at + length : undefined);
    if (length < 8) break;
    at += length;
  }
  throw corrupt("JPEG 2000: a JP2 file without a codestream");
}

function readSize(reader: Reader): Omit<Codestream, "bytes"> & { readonly grid: Grid } {
  const [capabilities, right, bottom, left, top] = [reader.u16(6), ...[8, 12, 16, 20].map((at) => reader.u32(at))];
  const [tileWidth, tileHeight, tileLeft, tileTop] = [24, 28, 32, 36].map((at) => reader.u32(at));
  const samples = reader.u16(40);
  if (capabilities & PART_2) throw unread("JPEG 2000: extensions of part 2 are not read");
  if (reader.segmentEnd(4) !== 42 + 3 * samples || samples === 0) throw corrupt("JPEG 2000: SIZ has a wrong length");
  const grid = {
    left: left!,
    top: top!,
    right: right!,
    bottom: bottom!,
    tileWidth: tileWidth!,
    tileHeight: tileHeight!,
  };
  checkGrid(grid, tileLeft!, tileTop!);
  const signAt = Array.from({ length: samples }, (_, i) => 42 + 3 * i);
  const kind = reader.u8(42);
  for (const at of signAt) {
    if (reader.u8(at + 1) !== 1 || reader.u8(at + 2) !== 1)
      throw unread("JPEG 2000: subsampled components are not read");
    if (reader.u8(at) !== kind) throw unread("JPEG 2000: components of different precision are not read");
  }
  const precision = (kind & 0x7f) + 1;
  if (precision > 16) throw unread(`JPEG 2000: samples of ${precision} bits are not read; at most 16 would be right`);
  const [columns, rows] = [grid.right - grid.left, grid.bottom - grid.top];
  const tiles =
    Math.ceil((grid.right - tileLeft!) / grid.tileWidth) * Math.ceil((grid.bottom - tileTop!) / grid.tileHeight);
  // Each tile takes a tile-part.
  if (tiles > 65_535 || tiles * SOT_BYTES > reader.length)
    throw corrupt(`JPEG 2000: ${tiles} tiles do not fit the codestream`);
  return { columns, rows, samples, precision, signed: kind > 0x7f, signAt, grid: { ...grid, samples, tiles } };
}

function checkGrid(grid: Omit<Grid, "samples" | "tiles">, tileLeft: number, tileTop: number): void {
  const right = grid.right > grid.left && tileLeft <= grid.left && tileLeft + grid.tileWidth > grid.left;
  const down = grid.bottom > grid.top && tileTop <= grid.top && tileTop + grid.tileHeight > grid.top;
  if (!right || !down || grid.right >= 2 ** 31 || grid.bottom >= 2 ** 31)
    throw corrupt("JPEG 2000: SIZ has wrong sizes");
}

/** The coding styles of a header, from `from` to the marker `until`, over those that hold already. */
function readHeader(
  reader: Reader,
  from: number,
  until: number,
  held: ReadonlyMap<number | "all", Coding>,
): { readonly end: number; readonly coding: ReadonlyMap<number | "all", Coding> } {
  const coding = new Map(held);
  let at = from;
  for (let marker = reader.u16(at); marker !== until; marker = reader.u16(at)) {
    if (marker < 0xff00) throw corrupt("JPEG 2000: a marker was expected");
    if (marker === COD) coding.set("all", readCod(reader, at));
    if (marker === COC) {
      const { component, ...style } = readCoc(reader, at, coding.get("all"));
      coding.set(component, style);
    }
    at = reader.segmentEnd(at + 2);
  }
  return { end: at, coding };
}

/** Where the last tile-part ends, of those that follow the main header. */
function tilePartsEnd(reader: Reader, from: number, grid: Grid, main: ReadonlyMap<number | "all", Coding>): number {
  const seen = new Set<number>();
  let at = from;
  while (at + 1 < reader.length && reader.u16(at) === SOT) {
    const tile = reader.u16(at + 4);
    const length = reader.u32(at + 6);
    const end = length === 0 ? endOfStream(reader) : at + length;
    if (tile >= grid.tiles || end < at + SOT_BYTES + 2) throw corrupt("JPEG 2000: a tile-part has a wrong header");
    if (end > reader.length) throw corrupt("JPEG 2000: the codestream is cut in a tile-part");
    const header = readHeader(reader, at + SOT_BYTES, SOD, main);
    if (header.end + 2 > end) throw corrupt("JPEG 2000: a tile-part has a wrong length");
    checkPackets({ ...grid, tiles: 1 }, header.coding, reader.length);
    seen.add(tile);
    at = end;
  }
  if (seen.size !== grid.tiles) throw corrupt(`JPEG 2000: ${seen.size} of ${grid.tiles} tiles are there`);
  // Bytes after the end are padding; one that is cut right before its end marker is whole.
  if (at + 1 < reader.length && reader.u16(at) !== EOC)
    throw corrupt("JPEG 2000: a tile-part does not end where it should");
  return at;
}

/** Where the last tile-part ends that does not say its length: before the end marker, padding left out. */
function endOfStream(reader: Reader): number {
  for (let at = reader.length - 2; at > 0; at--) if (reader.u16(at) === EOC) return at;
  throw corrupt("JPEG 2000: the codestream is cut before its end marker");
}
