import type { LaunchLimits } from "./kernel.js";
import { KernelError } from "./layout.js";

/** A half-open range of rows. */
export type Range = readonly [from: number, to: number];

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/**
 * Rows cut into ranges of about one size, so that each range of each buffer fits a binding and begins where one may begin.
 * @param rowBytes of one row of each buffer that is cut
 * @param what the rows are, for the message
 * @returns one range where everything fits; none of no rows
 * @throws KernelError when not even the fewest rows that can be cut off fit
 */
export function rowRanges(
  count: number,
  rowBytes: readonly number[],
  { maxStorageBufferBindingSize: most, minStorageBufferOffsetAlignment: alignment }: LaunchLimits,
  what: string,
): readonly Range[] {
  if (count === 0) return [];
  const widest = Math.max(...rowBytes);
  if (count * widest <= most) return [[0, count]];
  // An alignment is a power of two, so the largest of the steps is a multiple of all.
  const step = Math.max(...rowBytes.map((bytes) => alignment / gcd(bytes, alignment)));
  const fit = Math.floor(most / widest / step) * step;
  if (fit === 0)
    throw new KernelError(`${step} rows of ${what} take ${step * widest} bytes; this device binds at most ${most}`);
  const parts = Math.ceil(count / fit);
  const rows = Math.ceil(count / parts / step) * step;
  return Array.from({ length: Math.ceil(count / rows) }, (_, i) => [i * rows, Math.min(count, (i + 1) * rows)]);
}
