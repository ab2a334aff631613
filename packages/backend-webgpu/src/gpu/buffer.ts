import type { DeviceBuffer } from "@hulu/planner";

/** A buffer on the GPU, and of one model. */
export class GpuBuffer implements DeviceBuffer {
  /** The recording that used it last. */
  usedIn = 0;
  /** Keys of the bind groups that it is in. */
  readonly groups = new Set<string>();
  #free: ((buffer: GpuBuffer) => void) | undefined;

  /** @param free is called once, when it is given back */
  constructor(
    readonly owner: object,
    readonly id: number,
    readonly gpu: GPUBuffer,
    readonly bytes: number,
    readonly label: string,
    free: (buffer: GpuBuffer) => void,
  ) {
    this.#free = free;
  }

  get alive(): boolean {
    return this.#free !== undefined;
  }

  destroy(): void {
    const free = this.#free;
    this.#free = undefined;
    free?.(this);
  }
}

/** Whether a buffer was made by somebody. */
export const ownedBy = (owner: object, buffer: DeviceBuffer): buffer is GpuBuffer =>
  buffer instanceof GpuBuffer && buffer.owner === owner;
