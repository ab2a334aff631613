import { anyKernel, kernels, rmsNorm, type Variant, wgslOf } from "@hulu/kernels";
import { expect, test } from "vitest";
import { twiceWgsl } from "../../test/twice.js";
import { reversedThreads } from "./threads.js";

const variant = (wgsl: string): Variant => ({ name: "f32", features: [], wgsl: [wgsl] });

test("threads are numbered from the last to the first in every entry point", () => {
  const source = `@compute @workgroup_size(8 * TEAMS, 2)
fn one(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  workgroupBarrier();
}
@compute @workgroup_size(64) fn two(@builtin(local_invocation_index) i: u32,) { one(i); }`;
  expect(wgslOf(reversedThreads(variant(source))!)).toBe(`@compute @workgroup_size(8 * TEAMS, 2)
fn one(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread_of_device: u32) { let thread = u32((8 * TEAMS) * ( 2)) - 1u - thread_of_device;
  workgroupBarrier();
}
@compute @workgroup_size(64) fn two(@builtin(local_invocation_index) i_of_device: u32,) { let i = u32((64)) - 1u - i_of_device; one(i); }`);
});

test("where there is no barrier their order does not matter", () => {
  expect(reversedThreads(variant(twiceWgsl()))).toBeUndefined();
});

test("each of our kernels with a barrier can be tried so", () => {
  const barriers = kernels.flatMap((kernel) => kernel.variants.filter((v) => wgslOf(v).includes("workgroupBarrier")));
  expect(barriers.length).toBeGreaterThan(5);
  for (const one of barriers) expect(reversedThreads(one)).toBeDefined();
  expect(reversedThreads(anyKernel(rmsNorm).variants[0]!)?.features).toEqual(rmsNorm.variants[0]!.features);
});
