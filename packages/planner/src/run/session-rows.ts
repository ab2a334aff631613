import type { DeviceBuffer } from "../device.js";
import type { DeviceMemory } from "./memory.js";

const WORD = 4;

/** Memory that forks share until one of them writes. */
interface Block {
  readonly buffer: DeviceBuffer;
  /** In positions. */
  readonly capacity: number;
  holders: number;
}

/** The rows of one state on a device: `[capacity, width]`, anything beyond those that are held. */
export class DeviceRows {
  #block: Block | undefined;

  constructor(
    readonly name: string,
    readonly width: number,
    readonly memory: DeviceMemory,
  ) {}

  get capacity(): number {
    return this.#block?.capacity ?? 0;
  }
  get buffer(): DeviceBuffer | undefined {
    return this.#block?.buffer;
  }

  /** Whether `positions` of them can be written to where they lie. */
  writable(positions: number): boolean {
    return positions <= this.capacity && this.#block?.holders === 1;
  }

  /** Room that is this one's alone, and nothing in it. */
  renew(capacity: number): void {
    this.release();
    this.#block = this.#make(capacity);
  }

  /** Room that is this one's alone, with the first `count` rows in it; what they lay in is left once the device has it. */
  async move(capacity: number, count: number): Promise<void> {
    const from = this.#block;
    const block = this.#make(capacity);
    try {
      if (from !== undefined && count > 0)
        this.memory.device.copy(from.buffer, 0, block.buffer, 0, count * this.width * WORD);
      await this.memory.device.settled();
    } catch (error) {
      this.memory.free(block.buffer);
      throw error;
    }
    // It may have been disposed of meanwhile.
    if (this.#block !== from) {
      this.memory.free(block.buffer);
      return;
    }
    this.release();
    this.#block = block;
  }

  /** The same rows for a fork; none is copied before one of the two writes. */
  share(): DeviceRows {
    const twin = new DeviceRows(this.name, this.width, this.memory);
    twin.#block = this.#block;
    if (this.#block !== undefined) this.#block.holders++;
    return twin;
  }

  release(): void {
    if (this.#block !== undefined && --this.#block.holders === 0) this.memory.free(this.#block.buffer);
    this.#block = undefined;
  }

  #make(capacity: number): Block {
    return { buffer: this.memory.alloc(capacity * this.width * WORD, `state ${this.name}`), capacity, holders: 1 };
  }
}
