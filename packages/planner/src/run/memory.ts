import { SessionError } from "@hulu/core";
import type { DeviceBuffer, KernelDevice } from "../device.js";

/** The least that is asked for: something must be bound where a program has nothing. */
const LEAST = 16;

/** What a buffer for so many bytes takes: whole words, and never nothing. */
export const allocated = (bytes: number): number => Math.max(LEAST, Math.ceil(bytes / 4) * 4);

/** Everything that one executable holds on a device, so that all of it is given back and nothing else is. */
export class DeviceMemory {
  readonly #live = new Set<DeviceBuffer>();
  /** A net for what its owner forgot to dispose of. */
  readonly #forgotten = new FinalizationRegistry<() => void>((release) => release());
  #allocations = 0;
  #disposed = false;

  constructor(readonly device: KernelDevice) {}

  /** How often memory was asked for so far. */
  get allocations(): number {
    return this.#allocations;
  }
  get disposed(): boolean {
    return this.#disposed;
  }

  /** @throws DeviceError as the device does; SessionError once the model was disposed */
  alloc(bytes: number, label: string): DeviceBuffer {
    if (this.#disposed) throw new SessionError("the model was disposed");
    this.#allocations++;
    const buffer = this.device.alloc(allocated(bytes), label);
    this.#live.add(buffer);
    return buffer;
  }

  /** Give a buffer back, if it is not given back yet. */
  free(buffer: DeviceBuffer): void {
    if (this.#live.delete(buffer)) buffer.destroy();
  }

  /** Call `release`, which must not hold on to `owner`, once nobody else does. */
  watch(owner: object, release: () => void): void {
    this.#forgotten.register(owner, release, owner);
  }
  unwatch(owner: object): void {
    this.#forgotten.unregister(owner);
  }

  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#live) buffer.destroy();
    this.#live.clear();
  }
}
