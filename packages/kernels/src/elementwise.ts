import type { Launch, LaunchLimits, Preset } from "./kernel.js";
import { grid, KernelError } from "./layout.js";

/** Presets of kernels whose threads know nothing of each other. */
export const threadPresets: readonly Preset[] = [
  { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 0 },
  { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 0 },
];

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

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

/**
 * Launches of a kernel with one thread for each of `count` elements, which are the first axis of all of `buffers`: one, or as
 * many as it takes where a buffer is over the limit of a binding.
 */
export function elementwise<const B extends string>(
  buffers: readonly B[],
  count: number,
  { preset, limits }: { readonly preset: Preset; readonly limits: LaunchLimits },
): readonly Launch<"count", B>[] {
  const all = pieces(count, limits);
  return all.map((range) => ({
    entry: "main",
    workgroups: grid(range[1] - range[0], preset.invocations, limits.maxComputeWorkgroupsPerDimension),
    ...(all.length > 1 && {
      params: { count: range[1] - range[0] } as Partial<Record<"count", number>>,
      rows: Object.fromEntries(buffers.map((name) => [name, range])) as Record<B, typeof range>,
    }),
  }));
}
