/// <reference types="@webgpu/types" preserve="true" />
import copyWgsl from "../../../../kernels/wgsl/bench/copy.wgsl";
import multiplyWgsl from "../../../../kernels/wgsl/bench/multiply.wgsl";
import type { Dispatch } from "../webgpu/dispatch.js";
import { COPY_DST, STORAGE } from "../webgpu/usage.js";
import { type Stopwatch, secondsOf } from "./stopwatch.js";

/** What a device reaches at the most, as measured on it: kernels are held against these, not against a data sheet. */
export interface DeviceLimits {
  /** Bytes a second of a plain copy, read and written counted. */
  readonly copy: number;
  /** Float32 operations a second of multiplications and additions in registers. */
  readonly multiply: number;
}

const THREADS = 256;
const COPY_BYTES = 64 * 2 ** 20;
const MULTIPLY_GROUPS = 4096;
/** Of one thread: rounds of the loop, with 8 chains of vec4, a multiplication and an addition each. */
const MULTIPLY_FLOPS = 128 * 8 * 4 * 2;

export async function deviceLimits(device: GPUDevice, watch: Stopwatch): Promise<DeviceLimits> {
  const bytes = Math.min(COPY_BYTES, device.limits.maxStorageBufferBindingSize);
  const buffers = Array.from({ length: 2 }, () => device.createBuffer({ size: bytes, usage: STORAGE | COPY_DST })) as [
    GPUBuffer,
    GPUBuffer,
  ];
  try {
    const copy = await plain(device, copyWgsl, buffers, bytes / 16 / THREADS);
    const multiply = await plain(device, multiplyWgsl, buffers, MULTIPLY_GROUPS);
    return {
      copy: (2 * bytes) / (await secondsOf(watch, copy)),
      multiply: (MULTIPLY_GROUPS * THREADS * MULTIPLY_FLOPS) / (await secondsOf(watch, multiply)),
    };
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

/** One dispatch of a shader over two buffers. */
async function plain(
  device: GPUDevice,
  code: string,
  buffers: [GPUBuffer, GPUBuffer],
  groups: number,
): Promise<Dispatch> {
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(groups);
  };
}
