/// <reference types="@webgpu/types" />
import type { AnyKernel, Arrays, LaunchLimits, Params, Preset, Variant } from "../kernel.js";
import { type PreparedKernel, prepareKernel } from "../webgpu/prepare.js";
import { runPrepared } from "../webgpu/run.js";
import { margin } from "./garbage.js";

/** What runs kernels: a device, a simulator, or code of somebody's own. */
export interface Runner {
  readonly name: string;
  /** Whether it can run this form. */
  supports(kernel: AnyKernel, variant: Variant, preset: Preset): boolean;
  /**
   * Run a kernel once. A runner that has memory of its own lets it begin as `fillGarbage` does, with room around each buffer
   * that it looks at afterwards: so it finds what is never written, and what is written elsewhere.
   * @param limits what `kernel.launches` is to be asked with: those of the device, or smaller ones
   * @returns the outputs by name, row-major
   */
  run(form: KernelForm, params: Params, inputs: Arrays, limits: LaunchLimits | undefined): Promise<Arrays>;
}

/** A kernel in one of its variants and presets. */
export interface KernelForm {
  readonly kernel: AnyKernel;
  readonly variant: Variant;
  readonly preset: Preset;
}

/**
 * Runs kernels on a WebGPU device. Each form is compiled once. Every buffer is longer than its shape, holds NaN wherever no
 * input is, and is looked at behind its ends.
 */
export function webgpuRunner(device: GPUDevice, name = "webgpu"): Runner {
  const prepared = new Map<Variant, Map<Preset, Promise<PreparedKernel>>>();
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = device.limits;
  return {
    name,
    supports: (_, variant, preset) =>
      variant.features.every((f) => device.features.has(f)) &&
      preset.invocations <= maxComputeInvocationsPerWorkgroup &&
      preset.workgroupBytes <= maxComputeWorkgroupStorageSize,
    run: async ({ kernel, variant, preset }, params, inputs, limits) => {
      const some = prepared.get(variant) ?? new Map<Preset, Promise<PreparedKernel>>();
      prepared.set(variant, some);
      const ready = some.get(preset) ?? prepareKernel(device, kernel, { variant, preset });
      some.set(preset, ready);
      return runPrepared(device, await ready, params, inputs, { limits, margin });
    },
  };
}
