import { corrupt } from "../format.js";
import { EntropyReader } from "./entropy.js";
import { type ScanHeader, type Tables, ZIGZAG } from "./headers.js";
import type { HuffmanTable } from "./huffman.js";
import { inverseDct } from "./idct.js";
import { type Component, type Layout, walkScan } from "./layout.js";
import { bitsOf, given } from "./sequential.js";

/** Coefficients of a component, [block][64], while scans add to them. */
export interface Coefficients {
  readonly component: Component;
  readonly values: Int16Array;
  readonly blocksAcross: number;
  /** Per coefficient the bit position that is known, -1 where none is. */
  readonly known: Int8Array;
  quantization: Uint16Array | undefined;
}

export const coefficientsOf = (component: Component): Coefficients => ({
  component,
  values: new Int16Array(component.plane.length),
  blocksAcross: component.stride / 8,
  known: new Int8Array(64).fill(-1),
  quantization: undefined,
});

/**
 * One scan of a progression: a band of coefficients, or one more bit of them.
 * Source: ITU-T T.81 G.1, G.2.
 * @returns the reader behind the scan
 */
export function progressiveScan(
  bytes: Uint8Array,
  at: number,
  layout: Layout,
  all: readonly Coefficients[],
  scan: ScanHeader,
  tables: Tables,
): EntropyReader {
  const chosen = scan.components.map(({ index }) => all[index]!);
  checkProgress(chosen, scan);
  for (const part of chosen) part.quantization ??= given(tables.quantization[part.component.quantization]);
  const reader = new EntropyReader(bytes, at);
  const decoder = blockDecoder(reader, scan, tables);
  walkScan(
    layout,
    scan.components.map(({ index }) => index),
    tables.restartInterval,
    reader,
    decoder.begin,
    (i, row, column) => {
      const { values, blocksAcross } = chosen[i]!;
      decoder.block(i, values, (row * blocksAcross + column) * 64);
    },
  );
  return reader;
}

/** Each scan must add something that was not known, in order. */
function checkProgress(chosen: readonly Coefficients[], { from, to, high, low }: ScanHeader): void {
  const band = from === 0 ? to === 0 : from <= to && to < 64 && chosen.length === 1;
  if (!band || low > 13 || (high !== 0 && high !== low + 1)) throw corrupt("JPEG: a progressive scan has wrong bounds");
  for (const { known } of chosen) {
    for (let k = from; k <= to; k++) {
      if (known[k] !== (high === 0 ? -1 : high)) throw corrupt("JPEG: progressive scans are out of order");
      known[k] = low;
    }
    if (from > 0 && known[0] === -1) throw corrupt("JPEG: a progressive scan comes before that of the DC coefficients");
  }
}

interface BlockDecoder {
  begin(): void;
  block(index: number, values: Int16Array, at: number): void;
}

function blockDecoder(reader: EntropyReader, scan: ScanHeader, tables: Tables): BlockDecoder {
  if (scan.from > 0) {
    const table = given(tables.ac[scan.components[0]!.ac]);
    return scan.high === 0 ? acFirst(reader, scan, table) : acRefined(reader, scan, table);
  }
  if (scan.high > 0)
    return {
      begin: () => {},
      block(_, values, at) {
        if (reader.bits(1) === 1) values[at]! |= 1 << scan.low;
      },
    };
  const dc = scan.components.map((c) => given(tables.dc[c.dc]));
  const before = new Int32Array(dc.length);
  return {
    begin: () => before.fill(0),
    block(i, values, at) {
      before[i]! += reader.signed(bitsOf(reader.symbol(dc[i]!)));
      values[at] = before[i]! << scan.low;
    },
  };
}

function acFirst(reader: EntropyReader, { from, to, low }: ScanHeader, table: HuffmanTable): BlockDecoder {
  /** Blocks that have nothing more in this band. */
  let ended = 0;
  return {
    begin() {
      ended = 0;
    },
    block(_, values, at) {
      if (ended > 0) {
        ended--;
        return;
      }
      for (let k = from; k <= to; k++) {
        const symbol = reader.symbol(table);
        const [run, bits] = [symbol >> 4, symbol & 15];
        if (bits === 0 && run < 15) {
          ended = 2 ** run - 1 + reader.bits(run);
          return;
        }
        k += run;
        if (bits === 0) continue;
        if (k > to) throw corrupt("JPEG: a block has coefficients beyond the band");
        values[at + ZIGZAG[k]!] = reader.signed(bits) << low;
      }
    },
  };
}

function acRefined(reader: EntropyReader, { from, to, low }: ScanHeader, table: HuffmanTable): BlockDecoder {
  const one = 1 << low;
  let ended = 0;
  /** The next bit of a coefficient that is not zero. */
  const refine = (values: Int16Array, place: number) => {
    const value = values[place]!;
    if (reader.bits(1) === 1 && (value & one) === 0) values[place] = value + (value > 0 ? one : -one);
  };
  /** Passes over `zeros` zero coefficients and refines the others between; the place of the next zero. */
  const pass = (values: Int16Array, at: number, start: number, zeros: number) => {
    let left = zeros;
    let k = start;
    for (; k <= to; k++) {
      const place = at + ZIGZAG[k]!;
      if (values[place] !== 0) refine(values, place);
      else if (left-- === 0) break;
    }
    return k;
  };
  return {
    begin() {
      ended = 0;
    },
    block(_, values, at) {
      let k = from;
      for (; ended === 0 && k <= to; k++) {
        const symbol = reader.symbol(table);
        const [run, bits] = [symbol >> 4, symbol & 15];
        if (bits > 1) throw corrupt("JPEG: a refined coefficient has more than one bit");
        if (bits === 0 && run < 15) {
          ended = 2 ** run + reader.bits(run);
          break;
        }
        const value = bits === 0 ? 0 : reader.bits(1) === 1 ? one : -one;
        k = pass(values, at, k, run);
        if (value === 0) continue;
        if (k > to) throw corrupt("JPEG: a block has coefficients beyond the band");
        values[at + ZIGZAG[k]!] = value;
      }
      if (ended > 0) {
        pass(values, at, k, 64);
        ended--;
      }
    },
  };
}

/** All blocks through the inverse DCT, once all scans are read. */
export function finishProgression(all: readonly Coefficients[], precision: number): void {
  const block = new Int32Array(64);
  for (const { component, values, blocksAcross, known, quantization } of all) {
    // Decoders differ in what they make of one that stops early.
    if (quantization === undefined || known.some((bit) => bit !== 0))
      throw corrupt("JPEG: the progression ends before its last bits");
    for (let row = 0; row < component.unitsDown; row++)
      for (let column = 0; column < component.unitsAcross; column++) {
        const from = (row * blocksAcross + column) * 64;
        for (let k = 0; k < 64; k++) block[k] = values[from + k]! * quantization[k]!;
        inverseDct(block, component.plane, (row * component.stride + column) * 8, component.stride, precision);
      }
  }
}
