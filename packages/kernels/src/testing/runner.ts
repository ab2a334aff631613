/// <reference types="@webgpu/types" preserve="true" />
import type { AnyKernel, Arrays, LaunchLimits, Params, Preset, Variant } from "../kernel.js";
import { type PreparedKernel, prepareKernel, wgslOf } from "../webgpu/prepare.js";
import { runPrepared } from "../webgpu/run.js";
import { margin } from "./garbage.js";
import { reversedThreads } from "./threads.js";

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
  /** Asks a runner that can choose to number the threads of a workgroup from the last to the first; others run it as ever. */
  readonly threads?: "reversed";
}

/**
 * Runs kernels on a WebGPU device. Each form is compiled once. Every buffer is longer than its shape, holds NaN wherever no
 * input is, and is looked at behind its ends.
 */
export function webgpuRunner(device: GPUDevice, name = "webgpu"): Runner {
  const prepared = new Map<string, Promise<PreparedKernel>>();
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = device.limits;
  return {
    name,
    supports: (_, variant, preset) =>
      variant.features.every((f) => device.features.has(f)) &&
      preset.invocations <= maxComputeInvocationsPerWorkgroup &&
      preset.workgroupBytes <= maxComputeWorkgroupStorageSize,
    run: async ({ kernel, variant: plain, preset, threads }, params, inputs, limits) => {
      const variant = (threads === "reversed" ? reversedThreads(plain) : undefined) ?? plain;
      const key = `${kernel.name} ${JSON.stringify(preset)} ${wgslOf(variant)}`;
      const ready = prepared.get(key) ?? prepareKernel(device, kernel, { variant, preset });
      prepared.set(key, ready);
      return runPrepared(device, await ready, params, inputs, { limits, margin });
    },
  };
}
