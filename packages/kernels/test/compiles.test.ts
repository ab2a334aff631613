import { type AnyKernel, anyKernel, kernels, type Preset, prepareKernel, rmsNorm, type Variant } from "@hulu/kernels";
import { nodeGpu } from "@hulu/kernels/node";
import { formsOf } from "@hulu/kernels/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

// Every form of every kernel, features that no device here has included: Dawn's null backend compiles and runs nothing.

let device: GPUDevice;
beforeAll(async () => {
  const adapter = await (await nodeGpu({ kind: "null" })).requestAdapter();
  device = await adapter!.requestDevice({ requiredFeatures: ["shader-f16", "subgroups"] as GPUFeatureName[] });
});
afterAll(() => device.destroy());

const refusal = (kernel: AnyKernel, variant: Variant, preset: Preset): Promise<string | undefined> =>
  prepareKernel(device, kernel, { variant, preset }).then(
    () => undefined,
    (error: Error) => error.message,
  );

test.each(kernels.map((kernel) => [kernel.name, kernel] as const))("%s, in every form", async (_, kernel) => {
  // The null backend has the least workgroup memory that WebGPU allows; larger presets compile on the device of the tests.
  const least = device.limits.maxComputeWorkgroupStorageSize;
  const forms = formsOf(kernel).filter(({ preset }) => preset.workgroupBytes <= least);
  expect(forms.length).toBeGreaterThan(0);
  const refused = await Promise.all(forms.map((f) => refusal(kernel, f.variant, f.preset)));
  expect(refused.filter((message) => message !== undefined)).toEqual([]);
});

const source = rmsNorm.variants[0]!.wgsl.join("\n");
test.each([
  ["a name that is not there", source.replace("params.eps", "params.epsilon"), /\d+:\d+ .*epsilon/],
  [
    "a barrier that not all threads reach",
    source.replace("workgroupBarrier();", "if (thread > 1) { workgroupBarrier(); }"),
    /uniform/,
  ],
  ["a write to an input", source.replace("y[start + i] =", "x[start + i] ="), /\d+:\d+ /],
  ["another binding than the contract says", source.replace("@binding(3)", "@binding(7)"), /binding/i],
])("a kernel with %s is refused", async (_, wgsl, message) => {
  expect(wgsl).not.toBe(source);
  const variant = { ...rmsNorm.variants[0]!, wgsl: [wgsl] };
  expect(await refusal(anyKernel(rmsNorm), variant, rmsNorm.presets[0]!)).toMatch(message);
});

test.each([
  ["a constant that the source does not have", { THREADS: 64, TILE: 4 }, /TILE/],
  ["more threads than a device has", { THREADS: 4096 }, /4096|workgroup/],
])("a preset with %s is refused", async (_, constants, message) => {
  const preset = { ...rmsNorm.presets[0]!, constants };
  expect(await refusal(anyKernel(rmsNorm), rmsNorm.variants[0]!, preset)).toMatch(message);
});
