import { commonDivisor } from "../cut.js";
import type { LaunchLimits } from "../kernel.js";
import { KernelError } from "../layout.js";

/** Rows [from, to) of a buffer, and the rows that are bound so that they can be read: those from a place that may be bound. */
export interface BoundRows {
  readonly from: number;
  readonly to: number;
  readonly rows: readonly [from: number, to: number];
  /** How many of the bound rows lie before `from`. */
  readonly skip: number;
}

/**
 * [from, to) in pieces that each can be bound.
 * @param bytes of a row
 * @param most rows of a piece
 * @throws KernelError when a binding is too small for the rows between two places that may be bound
 */
export function boundPieces(
  from: number,
  to: number,
  bytes: number,
  limits: LaunchLimits,
  most = Number.POSITIVE_INFINITY,
): BoundRows[] {
  // Every so many rows there is a place where a binding may begin.
  const unit = limits.minStorageBufferOffsetAlignment / commonDivisor(limits.minStorageBufferOffsetAlignment, bytes);
  const held = Math.floor(limits.maxStorageBufferBindingSize / bytes / unit) * unit;
  const whole = Math.floor(limits.maxStorageBufferBindingSize / bytes);
  const pieces: BoundRows[] = [];
  for (let at = from; at < to; ) {
    const begin = Math.floor(at / unit) * unit;
    const end = to - begin <= whole ? Math.min(to, at + most) : Math.min(to, begin + held, at + most);
    if (end <= at)
      throw new KernelError(
        `${unit} rows of ${bytes} bytes are over this device's ${limits.maxStorageBufferBindingSize}`,
      );
    pieces.push({ from: at, to: end, rows: [begin, end], skip: at - begin });
    at = end;
  }
  return pieces;
}
