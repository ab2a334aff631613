/** Numbers that look random and are the same for one seed on every machine (Mulberry32, Tommy Ettinger). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** A float32 between two numbers. */
  float(low: number, high: number): number {
    return Math.fround(low + this.next() * (high - low));
  }

  /** One of several. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }

  /** The whole numbers below n, in some order. */
  order(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(0, i);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order;
  }
}

/** A seed from words, so that each weight of a model has numbers of its own whatever else is drawn. */
export function seedOf(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** How an input is filled. */
export type Fill = (random: Random) => number;

export const fills = {
  /** Small whole numbers: their sums and products are exact in float32, in any order. */
  small: (random: Random) => random.int(-4, 4),
  /** Powers of two of either sign, from 1/4 to 4: products and quotients of two are exact. */
  powers: (random: Random) => random.pick([-1, 1]) * 2 ** random.int(-2, 2),
  /** Float32 of ordinary size. */
  floats: (random: Random) => random.float(-2, 2),
  /** Sixteenths: two that differ do so by more than rounding can hide, which a norm of few numbers needs. */
  grid: (random: Random) => random.int(-32, 32) / 16,
  /** Indices below n. */
  index: (n: number) => (random: Random) => random.int(0, n - 1),
  between: (low: number, high: number) => (random: Random) => random.float(low, high),
  whole: (low: number, high: number) => (random: Random) => random.int(low, high),
} as const;
