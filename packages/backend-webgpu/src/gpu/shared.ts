import {
  type AnyKernel,
  type BufferSpec,
  isSoftware,
  type OpenKernel,
  openKernel,
  paramBytes,
  type Storage,
  type Variant,
  variantFor,
} from "@hulu/kernels";
import { DeviceError, type DeviceKernel } from "@hulu/planner";
import type { Faults } from "./faults.js";

/** A kernel on a device, with what each launch of it asks for. */
export interface ReadyKernel extends DeviceKernel, OpenKernel {
  /** Those that are compiled, by entry point. */
  readonly pipelines: Map<string, GPUComputePipeline>;
  /** Its own number on this device. */
  readonly id: number;
  readonly specs: readonly (readonly [name: string, spec: BufferSpec])[];
  /** Bytes of its uniform block. */
  readonly block: number;
}

/** A GPU that several models run on: its compiled kernels, and whether it is still there. */
export class SharedDevice {
  readonly #kernels = new Map<AnyKernel, Map<Variant, ReadyKernel>>();
  readonly #compiling = new Map<string, Promise<GPUComputePipeline>>();
  readonly #waiting = new Set<(error: DeviceError) => void>();
  readonly #faults = new Set<Faults>();
  #count = 0;
  #lost: DeviceError | undefined;

  /** @param owned whether all that is done on the device is ours, so that every error of it is */
  constructor(
    readonly gpu: GPUDevice,
    readonly owned: boolean,
  ) {
    void gpu.lost.then(({ reason, message }) => this.#lose(reason, message));
    if (owned)
      gpu.addEventListener("uncapturederror", (event) => {
        const error = new DeviceError("failed", `the GPU reports: ${(event as GPUUncapturedErrorEvent).error.message}`);
        for (const faults of this.#faults) faults.add(error);
      });
  }

  get lost(): DeviceError | undefined {
    return this.#lost;
  }
  /** @throws DeviceError `lost` */
  alive(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** What the device promises, or `lost` as soon as it is: a promise of its own may then never end, or end in other words. */
  async orLost<T>(promised: Promise<T>): Promise<T> {
    this.alive();
    let giveUp: ((error: DeviceError) => void) | undefined;
    const lost = new Promise<never>((_, reject) => {
      giveUp = reject;
      this.#waiting.add(reject);
    });
    try {
      return await Promise.race([promised, lost]);
    } catch (error) {
      // A device that goes away first ends what it had promised, and then says that it is lost.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.alive();
      throw error;
    } finally {
      this.#waiting.delete(giveUp as (error: DeviceError) => void);
    }
  }

  #lose(reason: GPUDeviceLostReason, message: string): void {
    const why = reason === "destroyed" ? "it was destroyed" : message.trim() || "its driver does not say why";
    this.#lost = new DeviceError("lost", `the GPU device is lost, with the model on it: ${why}; load the model again`);
    for (const giveUp of this.#waiting) giveUp(this.#lost);
  }

  /** Errors that no call is known for go to everyone who listens. */
  listen(faults: Faults): void {
    this.#faults.add(faults);
  }
  unlisten(faults: Faults): void {
    this.#faults.delete(faults);
  }

  /** Bring a kernel to the device, once. @throws KernelError when it cannot run there, DeviceError `lost` */
  prepare(kernel: AnyKernel, storage?: Storage): ReadyKernel {
    this.alive();
    const variant = variantFor(kernel, this.gpu, storage);
    const variants = this.#kernels.get(kernel) ?? new Map<Variant, ReadyKernel>();
    this.#kernels.set(kernel, variants);
    const ready = variants.get(variant) ?? this.#open(kernel, variant);
    variants.set(variant, ready);
    return ready;
  }

  #open(kernel: AnyKernel, variant: Variant): ReadyKernel {
    // On the CPU small tiles are compiled and done with soonest; the last preset is the smallest.
    const preset = isSoftware(this.gpu.adapterInfo) ? kernel.presets.at(-1) : undefined;
    const open = openKernel(this.gpu, kernel, { variant, preset });
    const specs = Object.entries(kernel.buffers);
    return { ...open, id: this.#count++, specs, block: paramBytes(kernel), pipelines: new Map() };
  }

  /** Compile entry points, each once. @throws KernelError, DeviceError `lost` */
  async compile(kernel: ReadyKernel, entries: readonly string[]): Promise<void> {
    this.alive();
    const missing = entries.filter((entry) => !kernel.pipelines.has(entry));
    const compiling = missing.map(async (entry) => {
      const key = `${kernel.id} ${entry}`;
      const pipeline = this.#compiling.get(key) ?? kernel.compile(entry);
      this.#compiling.set(key, pipeline);
      try {
        kernel.pipelines.set(entry, await pipeline);
      } finally {
        this.#compiling.delete(key);
      }
    });
    await this.orLost(Promise.all(compiling));
  }
}
