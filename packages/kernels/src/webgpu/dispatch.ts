/// <reference types="@webgpu/types" preserve="true" />
import type { AnyKernel, Launch, Params } from "../kernel.js";
import { boundBytes, KernelError, paramBytes, writeParams } from "../layout.js";
import type { PreparedKernel } from "./prepare.js";
import { COPY_DST, gpuBytes, UNIFORM, UNIFORM_STEP } from "./usage.js";

/** What a launch binds: buffers by the names of the contract, and its uniform blocks. */
export interface LaunchBuffers {
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  readonly uniform: GPUBuffer;
  /** Bytes before each buffer's numbers, and behind them; 0 unless given. */
  readonly edge?: number;
}

/** The bind group of a launch. */
export function bindLaunch(
  device: GPUDevice,
  { kernel, variant, layout }: PreparedKernel,
  params: Params,
  { rows }: Launch,
  { buffers, uniform, edge = 0 }: LaunchBuffers,
): GPUBindGroup {
  const bound = Object.entries(kernel.buffers).map(([name, spec], i) => {
    const { offset, size } = boundBytes(spec, params, rows, name, variant.storage);
    // A buffer that is bound whole goes on with what is behind its numbers. A range ends where it ends, unless it is of none.
    const bound = rows?.[name] === undefined || size === 0 ? gpuBytes(size + edge) : size;
    return { binding: i + 1, resource: { buffer: buffers.get(name)!, offset: edge + offset, size: bound } };
  });
  const block = { buffer: uniform, offset: 0, size: paramBytes(kernel) };
  return device.createBindGroup({ layout, entries: [{ binding: 0, resource: block }, ...bound] });
}

/** Puts dispatches into a pass. */
export type Dispatch = (pass: GPUComputePassEncoder) => void;

/**
 * The launches of a call, bound once, to be dispatched as often as one likes.
 * @param create a buffer that the caller destroys behind the last dispatch
 * @throws KernelError for a launch of an entry point that the kernel has not
 */
export function bindLaunches(
  device: GPUDevice,
  prepared: PreparedKernel,
  params: Params,
  launches: readonly Launch[],
  bound: Omit<LaunchBuffers, "uniform"> & { readonly create: (size: number, usage: number) => GPUBuffer },
): Dispatch {
  const { kernel, pipelines } = prepared;
  const uniform = bound.create(Math.max(1, launches.length) * UNIFORM_STEP, UNIFORM | COPY_DST);
  device.queue.writeBuffer(uniform, 0, uniformBlocks(kernel, params, launches));
  const ready = launches.flatMap((launch, i) => {
    if (launch.workgroups.includes(0)) return [];
    const pipeline = pipelines.get(launch.entry);
    if (pipeline === undefined) throw new KernelError(`${kernel.name} has no entry point ${launch.entry}`);
    return [
      {
        launch,
        pipeline,
        at: i * UNIFORM_STEP,
        group: bindLaunch(device, prepared, params, launch, { ...bound, uniform }),
      },
    ];
  });
  return (pass) => {
    for (const { launch, pipeline, at, group } of ready) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group, [at]);
      pass.dispatchWorkgroups(...launch.workgroups);
    }
  };
}

function uniformBlocks(kernel: AnyKernel, params: Params, launches: readonly Launch[]): ArrayBuffer {
  const block = new DataView(new ArrayBuffer(launches.length * UNIFORM_STEP));
  for (const [i, launch] of launches.entries())
    writeParams(kernel, { ...params, ...(launch.params as Params) }, block, i * UNIFORM_STEP);
  return block.buffer;
}
