import type { Launch, LaunchChoice, LaunchLimits } from "./kernel.js";
import { grid, KernelError } from "./layout.js";

// Calls whose buffers are over the limit of a binding, cut by rows.

/**
 * Ranges that make up `rows` rows, each small enough for one binding, each beginning where one may.
 * @param widths elements of four bytes that a row has in each of the buffers; 1 unless given
 * @throws KernelError when rows are too long for both
 */
export function pieces(
  rows: number,
  { maxStorageBufferBindingSize, minStorageBufferOffsetAlignment }: LaunchLimits,
  ...widths: readonly number[]
): readonly (readonly [from: number, to: number])[] {
  const widest = Math.max(1, ...widths);
  const most = Math.floor(maxStorageBufferBindingSize / (4 * widest));
  if (rows <= most) return [[0, rows]];
  // So many rows are a multiple of the alignment in every buffer: it is a power of two.
  const align = minStorageBufferOffsetAlignment / 4;
  const fewest = Math.max(...(widths.length === 0 ? [1] : widths).map((width) => align / commonDivisor(width, align)));
  const step = Math.floor(most / fewest) * fewest;
  if (step === 0)
    throw new KernelError(
      `rows of ${4 * widest} bytes are cut by ${fewest}, and a binding of ${maxStorageBufferBindingSize} bytes holds ${most}`,
    );
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => [i * step, Math.min(rows, (i + 1) * step)]);
}

/** The greatest. */
export const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

export interface Rows<P extends string, B extends string> {
  /** The parameter that counts the rows. */
  readonly name: P;
  readonly rows: number;
  /** Elements of a row in each of the buffers that have the rows as their first axis. */
  readonly widths: Readonly<Record<B, number>>;
  /** Of so many rows, how many workgroups there must be. */
  groups(rows: number): number;
}

/** Launches of a kernel over rows: one, or as many as it takes where a buffer is over the limit of a binding. */
export function rowwise<const P extends string, const B extends string>(
  { name, rows, widths, groups }: Rows<P, B>,
  { limits }: Pick<LaunchChoice, "limits">,
): readonly Launch<P, B>[] {
  const all = pieces(rows, limits, ...Object.values<number>(widths));
  return all.map((range) => ({
    entry: "main",
    workgroups: grid(groups(range[1] - range[0]), 1, limits.maxComputeWorkgroupsPerDimension),
    ...(all.length > 1 && {
      params: { [name]: range[1] - range[0] } as Partial<Record<P, number>>,
      rows: Object.fromEntries(Object.keys(widths).map((b) => [b, range])) as Record<B, typeof range>,
    }),
  }));
}
