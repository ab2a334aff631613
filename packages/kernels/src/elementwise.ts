import type { Launch, LaunchLimits, Preset } from "./kernel.js";
import { grid } from "./layout.js";

/** Presets of kernels whose threads know nothing of each other. */
export const threadPresets: readonly Preset[] = [
  { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 0 },
  { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 0 },
];

/**
 * Ranges that make up `rows` rows of `width` elements of four bytes, each small enough for one binding, each beginning where
 * one may.
 */
export function pieces(
  rows: number,
  { maxStorageBufferBindingSize, minStorageBufferOffsetAlignment }: LaunchLimits,
  width = 1,
): readonly (readonly [from: number, to: number])[] {
  const bytes = 4 * width;
  const most = Math.floor(maxStorageBufferBindingSize / bytes);
  if (rows <= most) return [[0, rows]];
  // So many rows are a multiple of the alignment, whatever the width.
  const aligned = minStorageBufferOffsetAlignment / 4;
  const step = Math.max(aligned, Math.floor(most / aligned) * aligned);
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => [i * step, Math.min(rows, (i + 1) * step)]);
}

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
