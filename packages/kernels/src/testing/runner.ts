/// <reference types="@webgpu/types" />
import type { AnyKernel, Arrays, Params, Preset, Variant } from "../kernel.js";
import { type PreparedKernel, prepareKernel } from "../webgpu/prepare.js";
import { runPrepared } from "../webgpu/run.js";

/** What runs kernels: a device, a simulator, or code of somebody's own. */
export interface Runner {
  readonly name: string;
  /** Whether it can run this form. */
  supports(kernel: AnyKernel, variant: Variant, preset: Preset): boolean;
  /** @returns the outputs by name */
  run(form: KernelForm, params: Params, inputs: Arrays): Promise<Arrays>;
}

/** A kernel in one of its variants and presets. */
export interface KernelForm {
  readonly kernel: AnyKernel;
  readonly variant: Variant;
  readonly preset: Preset;
}

/** Runs kernels on a WebGPU device. Each form is compiled once. */
export function webgpuRunner(device: GPUDevice, name = "webgpu"): Runner {
  const prepared = new Map<string, Promise<PreparedKernel>>();
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = device.limits;
  return {
    name,
    supports: (_, variant, preset) =>
      variant.features.every((f) => device.features.has(f)) &&
      preset.invocations <= maxComputeInvocationsPerWorkgroup &&
      preset.workgroupBytes <= maxComputeWorkgroupStorageSize,
    run: async ({ kernel, variant, preset }, params, inputs) => {
      const key = `${kernel.name}/${variant.name}/${preset.name}`;
      const ready = prepared.get(key) ?? prepareKernel(device, kernel, { variant, preset });
      prepared.set(key, ready);
      return runPrepared(device, await ready, params, inputs);
    },
  };
}
