import { corrupt } from "../format.js";
import { EntropyReader } from "./entropy.js";
import { type ScanHeader, type Tables, ZIGZAG } from "./headers.js";
import { inverseDct } from "./idct.js";
import { type Layout, walkScan } from "./layout.js";

/**
 * A scan of whole blocks, which go through the inverse DCT as they come. Its bounds in the scan header are not looked at:
 * scanners have written zeros there.
 * Source: ITU-T T.81 F.2.
 * @returns the reader behind the scan
 */
export function sequentialScan(
  bytes: Uint8Array,
  at: number,
  layout: Layout,
  scan: ScanHeader,
  tables: Tables,
  precision: number,
): EntropyReader {
  const reader = new EntropyReader(bytes, at);
  const parts = scan.components.map(({ index, dc, ac }) => ({
    component: layout.components[index]!,
    dc: given(tables.dc[dc]),
    ac: given(tables.ac[ac]),
    quantization: given(tables.quantization[layout.components[index]!.quantization]),
  }));
  const before = new Int32Array(parts.length);
  const block = new Int32Array(64);
  walkScan(
    layout,
    scan.components.map(({ index }) => index),
    tables.restartInterval,
    reader,
    () => before.fill(0),
    (i, row, column) => {
      const { component, dc, ac, quantization } = parts[i]!;
      block.fill(0);
      before[i]! += reader.signed(bitsOf(reader.symbol(dc)));
      block[0] = before[i]! * quantization[0]!;
      for (let k = 1; k < 64; k++) {
        const symbol = reader.symbol(ac);
        const bits = symbol & 15;
        if (bits === 0 && symbol !== 0xf0) break;
        k += symbol >> 4;
        if (bits === 0) continue;
        if (k > 63) throw corrupt("JPEG: a block has more than 64 coefficients");
        const to = ZIGZAG[k]!;
        block[to] = reader.signed(bits) * quantization[to]!;
      }
      inverseDct(block, component.plane, (row * component.stride + column) * 8, component.stride, precision);
    },
  );
  return reader;
}

/** Bits of a difference of DC. */
export function bitsOf(symbol: number): number {
  if (symbol > 15) throw corrupt("JPEG: a difference has more than 15 bits");
  return symbol;
}

/** A table that a scan uses. */
export function given<Table>(table: Table | undefined): Table {
  if (table === undefined) throw corrupt("JPEG: a scan uses a table that is not there");
  return table;
}
