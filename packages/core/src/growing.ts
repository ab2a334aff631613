/** What ES2024 adds to ArrayBuffer; a platform without it has neither `resize` nor an eye for the option. */
type Resizable = ArrayBuffer & { resize?(bytes: number): void };
const ResizableBuffer = ArrayBuffer as new (bytes: number, options: { maxByteLength: number }) => Resizable;

/**
 * Float32 numbers that grow where they lie and are given back at once. Growing by a new array would hold both until the
 * garbage is collected, which for a cache of gigabytes is too late: a long prompt took twice its memory.
 */
export class GrowingFloats {
  #data = new Float32Array(0);
  #buffer: Resizable | undefined;
  readonly #most: number;

  /** @param most the most numbers; address space for them is set aside, no memory */
  constructor(most: number) {
    this.#most = most * Float32Array.BYTES_PER_ELEMENT;
  }

  get data(): Float32Array {
    return this.#data;
  }

  /** Hold `count` numbers: those held stay, new ones are 0. Arrays that were given out before are not to be used again. */
  grow(count: number): void {
    const bytes = count * Float32Array.BYTES_PER_ELEMENT;
    this.#buffer ??= reserved(this.#most);
    if (this.#buffer?.resize === undefined) {
      const grown = new Float32Array(count);
      grown.set(this.#data);
      this.#data = grown;
      return;
    }
    this.#buffer.resize(bytes);
    this.#data = new Float32Array(this.#buffer, 0, count);
  }

  /** Give the memory back now. */
  free(): void {
    this.#data = new Float32Array(0);
    this.#buffer?.resize?.(0);
    this.#buffer = undefined;
  }
}

/** undefined where so much address space is not to be had; such a cache grows by new arrays. */
function reserved(bytes: number): Resizable | undefined {
  try {
    return new ResizableBuffer(0, { maxByteLength: bytes });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
