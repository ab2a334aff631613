import { rowwise } from "./cut.js";
import type { Launch, LaunchLimits, Preset } from "./kernel.js";

/** Presets of kernels whose threads know nothing of each other. */
export const threadPresets: readonly Preset[] = [
  { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 0 },
  { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 0 },
];

/**
 * Launches of a kernel with one thread for each of `count` elements, which are the first axis of all of `buffers`: one, or as
 * many as it takes where a buffer is over the limit of a binding.
 */
export function elementwise<const B extends string>(
  buffers: readonly B[],
  count: number,
  { preset, limits }: { readonly preset: Preset; readonly limits: LaunchLimits },
): readonly Launch<"count", B>[] {
  const groups = (n: number) => Math.ceil(n / preset.invocations);
  const widths = Object.fromEntries(buffers.map((name) => [name, 1])) as Record<B, number>;
  return rowwise({ name: "count", rows: count, widths, groups }, { limits });
}
