import { corrupt } from "../format.js";
import { EntropyReader } from "./entropy.js";
import type { FrameHeader, ScanHeader, Tables } from "./headers.js";
import type { HuffmanTable } from "./huffman.js";
import { type Component, type Layout, walkScan } from "./layout.js";
import { given } from "./sequential.js";

/**
 * A scan of differences from what a predictor makes of the left (a), upper (b) and upper left (c) neighbour.
 * Source: ITU-T T.81 annex H.
 * @returns the reader behind the scan
 */
export function losslessScan(
  bytes: Uint8Array,
  at: number,
  layout: Layout,
  scan: ScanHeader,
  tables: Tables,
  frame: FrameHeader,
): EntropyReader {
  if (scan.from < 1 || scan.from > 7 || scan.to !== 0 || scan.high !== 0 || scan.low >= frame.precision)
    throw corrupt("JPEG: a lossless scan has no predictor, or a wrong point transform");
  const chosen = scan.components.map(({ index }) => index);
  const across = chosen.length === 1 ? layout.components[chosen[0]!]!.unitsAcross : layout.across;
  if (tables.restartInterval % across !== 0) throw corrupt("JPEG: a restart interval ends within a line");
  const reader = new EntropyReader(bytes, at);
  const parts = scan.components.map(({ index, dc }) => ({
    component: layout.components[index]!,
    table: given(tables.dc[dc]),
    /** The line that is predicted from itself alone: the first after each restart. */
    first: 0,
  }));
  const middle = 2 ** (frame.precision - scan.low - 1);
  walkScan(
    layout,
    chosen,
    tables.restartInterval,
    reader,
    (row) => {
      for (const part of parts) part.first = chosen.length === 1 ? row : row * part.component.v;
    },
    (i, y, x) => {
      const { component, table, first } = parts[i]!;
      const predicted = predict(component, scan.from, y === first, y, x, middle);
      // As wide as the plane: T.81 counts modulo 2^16.
      component.plane[y * component.stride + x] = predicted + difference(reader, table);
    },
  );
  if (scan.low > 0) for (const { component } of parts) scaleUp(component.plane, scan.low);
  return reader;
}

/** The point transform took the lowest bits. */
function scaleUp(plane: Component["plane"], bits: number): void {
  for (let i = 0; i < plane.length; i++) plane[i] = plane[i]! << bits;
}

function difference(reader: EntropyReader, table: HuffmanTable): number {
  const bits = reader.symbol(table);
  if (bits < 16) return reader.signed(bits);
  if (bits > 16) throw corrupt("JPEG: a difference has more than 16 bits");
  return 32_768;
}

/** Source: ITU-T T.81 table H.1 and H.1.2.1. */
function predict(
  { plane, stride }: Component,
  predictor: number,
  firstLine: boolean,
  y: number,
  x: number,
  middle: number,
): number {
  const at = y * stride + x;
  if (firstLine) return x === 0 ? middle : plane[at - 1]!;
  const b = plane[at - stride]!;
  if (x === 0) return b;
  const a = plane[at - 1]!;
  const c = plane[at - stride - 1]!;
  switch (predictor) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return c;
    case 4:
      return a + b - c;
    case 5:
      return a + ((b - c) >> 1);
    case 6:
      return b + ((a - c) >> 1);
    default:
      return (a + b) >> 1;
  }
}
