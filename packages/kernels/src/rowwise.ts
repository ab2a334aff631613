import reduce from "../../../kernels/wgsl/lib/reduce.wgsl";
import reduceSubgroups from "../../../kernels/wgsl/lib/reduce_subgroups.wgsl";
import subgroups from "../../../kernels/wgsl/lib/subgroups.wgsl";
import type { Preset, Variant } from "./kernel.js";

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
