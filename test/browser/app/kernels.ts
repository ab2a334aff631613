// The kernels as a page has them, and their tests: every kernel by its name.
import { kernels } from "@hulu/kernels";
import { type KernelForm, testKernel, webgpuRunner } from "@hulu/kernels/testing";

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter?.requestDevice();
if (device === undefined) throw new Error("this page has no WebGPU");
const runner = webgpuRunner(device, "chromium");

/** A few examples of a kernel, in its form that every device takes. @returns how many were run */
async function tried(name: string): Promise<number> {
  const kernel = kernels.find((k) => k.name === name);
  if (kernel === undefined) throw new Error(`there is no kernel ${name}`);
  const variant = kernel.variants.find(({ features }) => features.length === 0);
  const preset = kernel.presets.at(-1);
  const only = (form: KernelForm) => form.variant === variant && form.preset === preset;
  let runs = 0;
  for (const sizes of kernel.cases.always.slice(0, 3))
    runs += await testKernel(kernel, runner, { example: { sizes, seed: 1, exact: false }, only });
  return runs;
}

const page = { tried, names: kernels.map(({ name }) => name) };
export type KernelsPage = typeof page;
Object.assign(globalThis, { kernelsPage: page });
