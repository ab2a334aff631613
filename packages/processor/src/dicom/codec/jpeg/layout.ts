import { corrupt, unread } from "../format.js";
import type { EntropyReader } from "./entropy.js";
import type { ComponentHeader, FrameHeader } from "./headers.js";

/** A frame's components in units: blocks of 8x8, or single samples where it is lossless. */
export interface Layout {
  readonly components: readonly Component[];
  /** Minimum coded units of a scan that interleaves components. */
  readonly across: number;
  readonly down: number;
}

export interface Component extends ComponentHeader {
  /** Its own pixels. */
  readonly width: number;
  readonly height: number;
  /** Units that hold them. */
  readonly unitsAcross: number;
  readonly unitsDown: number;
  /** Samples from one row of {@link plane} to the next: whole minimum coded units. */
  readonly stride: number;
  readonly plane: Uint8Array | Uint16Array;
  /** How often each pixel stands beside and below itself in the picture. */
  readonly widen: number;
  readonly heighten: number;
}

/** The entropy coding takes a bit for each unit at the least. */
export function checkLength(frame: FrameHeader, bytes: number): void {
  const unit = frame.coding === "lossless" ? 1 : 64;
  if (frame.rows === 0 || frame.columns === 0 || (frame.rows * frame.columns) / unit > 8 * bytes)
    throw corrupt(`JPEG: ${bytes} bytes cannot hold ${frame.columns} x ${frame.rows} pixels`);
}

/** Source: ITU-T T.81 A.1.1, A.2. */
export function layoutOf(frame: FrameHeader): Layout {
  const unit = frame.coding === "lossless" ? 1 : 8;
  // One component is never interleaved, whatever its factors.
  const alone = frame.components.length === 1;
  const headers = frame.components.map((c) => (alone ? { ...c, h: 1, v: 1 } : c));
  const h = Math.max(...headers.map((c) => c.h));
  const v = Math.max(...headers.map((c) => c.v));
  const across = Math.ceil(frame.columns / (unit * h));
  const down = Math.ceil(frame.rows / (unit * v));
  const components = headers.map((c) => {
    if (h % c.h !== 0 || v % c.v !== 0) throw unread("JPEG: sampling factors that are no multiples are not read");
    const width = Math.ceil((frame.columns * c.h) / h);
    const height = Math.ceil((frame.rows * c.v) / v);
    const stride = across * c.h * unit;
    const length = stride * down * c.v * unit;
    const plane = frame.precision > 8 ? new Uint16Array(length) : new Uint8Array(length);
    const units = { unitsAcross: Math.ceil(width / unit), unitsDown: Math.ceil(height / unit) };
    return { ...c, width, height, ...units, stride, plane, widen: h / c.h, heighten: v / c.v };
  });
  return { components, across, down };
}

/** Does one unit of the `index`-th component of a scan. */
export type UnitDecoder = (index: number, row: number, column: number) => void;

/**
 * All units of a scan in the order of the stream.
 * @param begin told at the start and after each restart marker, with the row of minimum coded units that follows
 */
export function walkScan(
  { components, across, down }: Layout,
  chosen: readonly number[],
  restartInterval: number,
  reader: EntropyReader,
  begin: (row: number) => void,
  unit: UnitDecoder,
): void {
  const alone = chosen.length === 1 ? components[chosen[0]!]! : undefined;
  const [width, height] = alone ? [alone.unitsAcross, alone.unitsDown] : [across, down];
  let left = restartInterval;
  let restarts = 0;
  begin(0);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++, left--) {
      if (restartInterval > 0 && left === 0) {
        reader.restart(restarts++ & 7);
        begin(row);
        left = restartInterval;
      }
      if (alone) unit(0, row, column);
      else
        for (let i = 0; i < chosen.length; i++) {
          const { h, v } = components[chosen[i]!]!;
          for (let y = 0; y < v; y++) for (let x = 0; x < h; x++) unit(i, row * v + y, column * h + x);
        }
    }
  }
}
