/** Numbers for examples, the same for the same seed. */
export class Random {
  #state: number;

  /** @param exact whether `numbers` are small whole ones, whose sums and products are exact in float32 */
  constructor(
    seed: number,
    readonly exact: boolean,
  ) {
    this.#state = seed | 0;
  }

  /** From 0 up to 1: mulberry32, by Tommy Ettinger, in the public domain. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Float32 numbers of ordinary size, or small whole ones in an exact draw. */
  numbers(count: number): Float32Array {
    return Float32Array.from({ length: count }, () =>
      this.exact ? Math.floor(this.unit() * 9) - 4 : (this.unit() - 0.5) * 4,
    );
  }

  /** Whole numbers from `least` up to `most`, both among them. */
  whole(count: number, least: number, most: number): Int32Array {
    return Int32Array.from({ length: count }, () => least + Math.floor(this.unit() * (most - least + 1)));
  }
}
