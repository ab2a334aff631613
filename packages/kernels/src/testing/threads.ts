import type { Variant } from "../kernel.js";

const BARRIER = /\bworkgroupBarrier\b|\bworkgroupUniformLoad\b/;
const ENTRY =
  /(@workgroup_size\(([^@{]*?)\)\s*fn\s+\w+\s*\([^{]*?@builtin\(local_invocation_index\)\s*)(\w+)(\s*:[^{]*\{)/g;

/**
 * The same source, the threads of a workgroup numbered from the last to the first. A device may run them in any order, but lavapipe
 * for one begins with the first: there a barrier that is missing goes unnoticed wherever an earlier thread writes what a later
 * one reads, and shows once they are numbered the other way round.
 * @returns undefined for a source without barriers
 */
export function reversedThreads(variant: Variant): Variant | undefined {
  const source = variant.wgsl.join("\n");
  if (!BARRIER.test(source)) return undefined;
  const wgsl = source.replace(ENTRY, (_, before: string, sizes: string, name: string, after: string) => {
    const threads = sizes.split(",").map((size) => `(${size})`);
    return `${before}${name}_of_device${after} let ${name} = u32(${threads.join(" * ")}) - 1u - ${name}_of_device;`;
  });
  return wgsl === source ? undefined : { ...variant, wgsl: [wgsl] };
}
