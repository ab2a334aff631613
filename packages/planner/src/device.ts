/**
 * What runs the launches of a plan: WebGPU, CUDA, or the host itself in tests. A device queues what it is told in order and
 * need not have done it when a call returns; only `read` waits.
 */
import type { AnyKernel, Launch, LaunchLimits, Params, Preset, Storage, Variant } from "@hulu/kernels";

/** Memory of a device, zeros at first. */
export interface DeviceBuffer {
  readonly bytes: number;
  /** Give it back; what was queued before still runs. Once only. */
  destroy(): void;
}

/** A kernel made ready on a device. */
export interface DeviceKernel {
  readonly kernel: AnyKernel;
  readonly variant: Variant;
  readonly preset: Preset;
}

export interface KernelDevice {
  readonly limits: LaunchLimits & { readonly maxBufferSize: number };
  /** @throws DeviceError `out-of-memory`, now or by the next `read` or `settled` */
  alloc(bytes: number, label: string): DeviceBuffer;
  /** @param bytes whole words of four bytes; may be changed once this returns */
  write(buffer: DeviceBuffer, offset: number, bytes: Uint8Array): void;
  copy(from: DeviceBuffer, fromOffset: number, to: DeviceBuffer, toOffset: number, bytes: number): void;
  /** Bring a kernel to the device; the same one at once the second time. @throws KernelError when it cannot run there */
  prepare(kernel: AnyKernel, storage?: Storage): Promise<DeviceKernel>;
  /** Compile entry points ahead; others are compiled when they are first launched. @throws KernelError, DeviceError */
  compile(kernel: DeviceKernel, entries: readonly string[]): Promise<void>;
  /** Queue one launch. A buffer that the call does not use is left out. */
  launch(kernel: DeviceKernel, launch: Launch, params: Params, buffers: Readonly<Record<string, DeviceBuffer>>): void;
  /** The bytes as they are behind everything that was queued before. @throws DeviceError */
  read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<Uint8Array>;
  /** Resolves when everything that was queued has run. @throws DeviceError for what went wrong in it */
  settled(): Promise<void>;
}

/** A device failed. `lost`: it is gone, with all that it held, and a new one must be made. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  constructor(
    readonly code: "lost" | "out-of-memory" | "failed",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
