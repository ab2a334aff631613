import type { DeviceBuffer } from "../device.js";
import type { DeviceMemory } from "./memory.js";

/** `needs` from the largest to the smallest, as places among them. */
const descending = (needs: readonly number[]): number[] => needs.map((_, i) => i).sort((a, b) => needs[b]! - needs[a]!);

/**
 * What all runs of all programs compute in. Runs follow one another on the device, so they share: the largest need of a run
 * gets the largest buffer, the next the next. A buffer grows when a run needs more, and what ran once runs again without
 * asking for memory.
 */
export class Pool {
  /** From the largest to the smallest. */
  readonly #buffers: DeviceBuffer[] = [];

  constructor(readonly memory: DeviceMemory) {}

  /** A buffer of its own for each need, in bytes; what is in it is anybody's. */
  take(needs: readonly number[]): readonly DeviceBuffer[] {
    const taken: DeviceBuffer[] = [];
    for (const [rank, i] of descending(needs).entries()) taken[i] = this.#atLeast(rank, needs[i]!);
    return taken;
  }

  #atLeast(rank: number, bytes: number): DeviceBuffer {
    const held = this.#buffers[rank];
    if (held !== undefined && held.bytes >= bytes) return held;
    // It goes before the larger one comes: what was queued still runs, and never are both held.
    if (held !== undefined) this.memory.free(held);
    delete this.#buffers[rank];
    const buffer = this.memory.alloc(bytes, `pool ${rank}`);
    this.#buffers[rank] = buffer;
    return buffer;
  }

  /** Give everything back; the next run asks anew. */
  drop(): void {
    for (const buffer of this.#buffers) if (buffer !== undefined) this.memory.free(buffer);
    this.#buffers.length = 0;
  }
}

/** What the pool's buffers come to once runs with these needs have been: of each rank the largest. */
export function pooled(runs: readonly (readonly number[])[]): readonly number[] {
  const ranks: number[] = [];
  for (const needs of runs)
    for (const [rank, i] of descending(needs).entries()) ranks[rank] = Math.max(ranks[rank] ?? 0, needs[i]!);
  return ranks;
}
