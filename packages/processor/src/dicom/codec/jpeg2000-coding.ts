import type { Reader } from "./bytes.js";
import { corrupt } from "./format.js";

/** The reference grid of SIZ. */
export interface Grid {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly tiles: number;
  readonly samples: number;
}

/** What of a coding style decides how much there is to decode. */
export interface Coding {
  readonly layers: number;
  /** Exponents of the precincts' width and height, from the lowest resolution on: one per resolution. */
  readonly precincts: readonly (readonly [number, number])[];
}

/** Precincts of one tile as large as the picture; without their own they are this large. */
const WHOLE = 15;
const MOST_LEVELS = 32;

/** COD (marker at `at`). Source: ISO/IEC 15444-1 A.6.1. */
export function readCod(reader: Reader, at: number): Coding {
  const layers = reader.u16(at + 6);
  if (reader.u8(at + 5) > 4 || layers === 0 || reader.u8(at + 8) > 1) throw corrupt("JPEG 2000: COD has wrong values");
  return { layers, precincts: readStyle(reader, at + 9, (reader.u8(at + 4) & 1) === 1, reader.segmentEnd(at + 2)) };
}

/** COC (marker at `at`), of a picture of fewer than 257 components. Source: ISO/IEC 15444-1 A.6.2. */
export function readCoc(reader: Reader, at: number, all: Coding | undefined): Coding & { readonly component: number } {
  if (all === undefined) throw corrupt("JPEG 2000: COC stands before COD");
  const own = (reader.u8(at + 5) & 1) === 1;
  const precincts = readStyle(reader, at + 6, own, reader.segmentEnd(at + 2));
  return { component: reader.u8(at + 4), layers: all.layers, precincts };
}

/** Levels, code-block size and style, transformation, precincts. Source: table A.15 and what it refers to. */
function readStyle(reader: Reader, at: number, own: boolean, end: number): Coding["precincts"] {
  const levels = reader.u8(at);
  const [width, height] = [reader.u8(at + 1), reader.u8(at + 2)];
  const length = 5 + (own ? levels + 1 : 0);
  if (
    levels > MOST_LEVELS ||
    width > 8 ||
    height > 8 ||
    width + height > 8 ||
    reader.u8(at + 4) > 1 ||
    at + length !== end
  )
    throw corrupt("JPEG 2000: a coding style has wrong values");
  return Array.from({ length: levels + 1 }, (_, r) => {
    const size = own ? reader.u8(at + 5 + r) : 0;
    return own ? [size & 15, size >> 4] : [WHOLE, WHOLE];
  });
}

/**
 * Each packet takes a byte of the codestream at the least; what claims far more would only keep the codec busy. Precincts
 * are counted as if a tile began at 0, which is never more than there are.
 * @throws ProcessorError `dicom-corrupt`.
 */
export function checkPackets(grid: Grid, coding: ReadonlyMap<number | "all", Coding>, bytes: number): void {
  const width = Math.min(grid.tileWidth, grid.right - grid.left);
  const height = Math.min(grid.tileHeight, grid.bottom - grid.top);
  let packets = 0;
  for (let component = 0; component < grid.samples; component++) {
    const { layers, precincts } = (coding.get(component) ?? coding.get("all"))!;
    precincts.forEach(([across, down], r) => {
      const scale = 2 ** (precincts.length - 1 - r);
      const count =
        Math.ceil(Math.ceil(width / scale) / 2 ** across) * Math.ceil(Math.ceil(height / scale) / 2 ** down);
      packets += layers * count * grid.tiles;
    });
  }
  if (packets > 4 * bytes + 1024) throw corrupt(`JPEG 2000: ${packets} packets do not fit ${bytes} bytes`);
}
