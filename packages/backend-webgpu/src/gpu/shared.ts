import {
  type AnyKernel,
  type BufferSpec,
  type PreparedKernel,
  paramBytes,
  prepareKernel,
  type Storage,
  type Variant,
  variantFor,
} from "@hulu/kernels";
import { DeviceError, type DeviceKernel } from "@hulu/planner";
import type { Faults } from "./faults.js";

/** A kernel compiled for a device, with what each launch of it asks for. */
export interface ReadyKernel extends DeviceKernel, PreparedKernel {
  /** Its own number on this device. */
  readonly id: number;
  readonly specs: readonly (readonly [name: string, spec: BufferSpec])[];
  /** Bytes of its uniform block. */
  readonly block: number;
}

/** A GPU that several models run on: its compiled kernels, and whether it is still there. */
export class SharedDevice {
  readonly #kernels = new Map<AnyKernel, Map<Variant, Promise<ReadyKernel>>>();
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

  /** Compile a kernel, once. @throws KernelError, DeviceError */
  async prepare(kernel: AnyKernel, storage?: Storage): Promise<ReadyKernel> {
    this.alive();
    const variant = variantFor(kernel, this.gpu, storage);
    const variants = this.#kernels.get(kernel) ?? new Map<Variant, Promise<ReadyKernel>>();
    this.#kernels.set(kernel, variants);
    let ready = variants.get(variant);
    if (ready === undefined) {
      ready = this.orLost(this.#compile(kernel, variant));
      variants.set(variant, ready);
      ready.catch(() => variants.delete(variant));
    }
    return ready;
  }

  async #compile(kernel: AnyKernel, variant: Variant): Promise<ReadyKernel> {
    // What the compiler says is thrown, with its lines; the scope keeps it from being told a second time, as nobody's error.
    this.gpu.pushErrorScope("validation");
    const preparing = prepareKernel(this.gpu, kernel, { variant });
    void this.gpu.popErrorScope().catch(() => {});
    const prepared = await preparing;
    return { ...prepared, id: this.#count++, specs: Object.entries(kernel.buffers), block: paramBytes(kernel) };
  }
}
