/**
 * How fast kernels are on a device, held against what that device reaches at the most. For WebGPU in Node and in a page.
 * @module
 */
/// <reference types="@webgpu/types" preserve="true" />
import { describeFigure, describeLimits } from "./bench/describe.js";
import { type KernelFigure, type KernelPlace, measureKernel } from "./bench/kernel.js";
import { type DeviceLimits, deviceLimits } from "./bench/limits.js";
import { stopwatch } from "./bench/stopwatch.js";
import type { AnyKernel } from "./kernel.js";
import { presetFor, variantFor } from "./layout.js";
import { storages } from "./storage.js";
import { isSoftware } from "./webgpu/software.js";

export { type DeviceLimits, describeFigure, describeLimits, type KernelFigure };

export interface BenchOptions {
  readonly signal?: AbortSignal;
  /** Called with the device's limits, before the first kernel. */
  onLimits?(limits: DeviceLimits): void;
  /** Called with each figure, once it is there. */
  onFigure?(figure: KernelFigure): void;
  /** Called for a kernel that could not be measured here, such as one whose buffers the device cannot hold. */
  onRefused?(kernel: string, place: string, why: string): void;
}

/**
 * Measure kernels at the sizes that their contracts name, in the form that the device takes, each storage of a weight by itself.
 * Medians of five rounds.
 * @throws RangeError for a device that computes on the CPU: its times say nothing of a GPU
 */
export async function benchKernels(
  device: GPUDevice,
  kernels: readonly AnyKernel[],
  options: BenchOptions = {},
): Promise<readonly KernelFigure[]> {
  if (isSoftware(device.adapterInfo))
    throw new RangeError("this device computes on the CPU: its speed says nothing of a GPU");
  return measureAll(device, kernels, options);
}

/** The same on any device. @internal */
export async function measureAll(
  device: GPUDevice,
  kernels: readonly AnyKernel[],
  { signal, onLimits, onFigure, onRefused }: BenchOptions,
): Promise<readonly KernelFigure[]> {
  const watch = stopwatch(device);
  const limits = await deviceLimits(device, watch);
  onLimits?.(limits);
  const figures: KernelFigure[] = [];
  for (const at of kernels.flatMap((kernel) => placesOf(kernel, device))) {
    signal?.throwIfAborted();
    try {
      const figure = await scoped(device, () => measureKernel(device, at, watch, limits));
      figures.push(figure);
      onFigure?.(figure);
    } catch (error) {
      onRefused?.(
        at.kernel.name,
        `${at.place}, ${at.variant.name}`,
        error instanceof Error ? error.message : String(error),
      );
    }
  }
  return figures;
}

function placesOf(kernel: AnyKernel, device: GPUDevice): KernelPlace[] {
  const weighted = kernel.variants.some((v) => v.storage !== undefined);
  const stored = weighted ? storages.filter((s) => kernel.variants.some((v) => v.storage === s)) : [undefined];
  return Object.keys(kernel.cases.bench).flatMap((place) =>
    stored.map((storage) => ({
      kernel,
      place,
      variant: variantFor(kernel, device, storage),
      preset: presetFor(kernel, device),
    })),
  );
}

/** What the device says against a call becomes an error of it. */
async function scoped<T>(device: GPUDevice, body: () => Promise<T>): Promise<T> {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  let result: T | undefined;
  let failed: unknown;
  try {
    result = await body();
  } catch (error) {
    failed = error;
  }
  const said = [await device.popErrorScope(), await device.popErrorScope()].find((e) => e !== null);
  if (said) throw new RangeError(said.message);
  if (failed !== undefined) throw failed;
  return result as T;
}
