import type { Arrays, Params } from "./kernel.js";
import type { Random } from "./random.js";

/** The numbers of one call, and what it is fed. */
export interface Case<P extends string = string, B extends string = string> {
  readonly params: Params<P>;
  /** A buffer that the call does not use is left out. A weight is plain numbers, row-major. */
  readonly inputs: Arrays<B>;
}

/**
 * How examples of a kernel are made. A test draws a number for each of `sizes` and shrinks them when something is wrong; what
 * they mean is `make`'s business.
 */
export interface Cases<P extends string = string, B extends string = string> {
  /** The least and the most of each: sizes around the edges of tiles, switches as [0, 1]. */
  readonly sizes: Readonly<Record<string, readonly [least: number, most: number]>>;
  /** Examples that must never be left out: odd edges, no rows, one more than a tile. */
  readonly always: readonly Readonly<Record<string, number>>[];
  /** Whether small whole numbers, as `random` gives them in exact draws, come out exactly in float32. */
  readonly exact: boolean;
  make(sizes: Readonly<Record<string, number>>, random: Random): Case<P, B>;
  /** As large as in the model: what a benchmark runs, by the name of its place. */
  readonly bench: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
