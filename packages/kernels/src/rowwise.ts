import reduce from "../../../kernels/wgsl/lib/reduce.wgsl";
import reduceSubgroups from "../../../kernels/wgsl/lib/reduce_subgroups.wgsl";
import subgroups from "../../../kernels/wgsl/lib/subgroups.wgsl";
import { pieces } from "./elementwise.js";
import type { Launch, LaunchChoice, Preset, Variant } from "./kernel.js";
import { grid } from "./layout.js";

/** Presets of kernels that give a workgroup to each row and put the numbers of its threads together. */
export const rowPresets: readonly Preset[] = [
  { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 1024 },
  { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 256 },
];

/** Forms of a kernel that calls `sum_of` or `largest_of`. */
export const reducing = (...wgsl: readonly string[]): readonly Variant[] => [
  { name: "subgroups", features: ["subgroups"], wgsl: [subgroups, reduceSubgroups, ...wgsl] },
  { name: "f32", features: [], wgsl: [reduce, ...wgsl] },
];

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
