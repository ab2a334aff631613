import { FeedError } from "../graph/bind.js";
import type { Grid } from "./patches.js";

/** A picture, or the frames of a video or volume, whose patches come one frame after another. */
export interface VisualFrames {
  /**
   * Normalized pixel values of each frame, `[patch, channel*py*px]`, patches in merge-block order. One may be overwritten as
   * soon as the next is asked for.
   */
  readonly frames: Iterable<Float32Array> | AsyncIterable<Float32Array>;
  /** The frames that will come, and the patches of each. */
  readonly grid: Grid;
  /** How many patches go into a token along each side. */
  readonly merge: number;
}

/** Some frames that follow one another. */
export interface Chunk {
  readonly count: number;
  /** `[frame, patch, channel*py*px]`; the next chunk overwrites them. */
  readonly pixels: Float32Array;
}

/**
 * Gather frames: `most` at a time, and what is left at the end. No more than one chunk of them is held.
 * @throws FeedError when there are not as many frames as the grid has, or one is not of the size of the first
 */
export async function* chunksOf(
  { frames, grid }: VisualFrames,
  most: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  const [total, rows, columns] = grid;
  const capacity = Math.min(most, total);
  let held = new Float32Array(0);
  let size = 0;
  let seen = 0;
  signal?.throwIfAborted();
  for await (const frame of frames) {
    signal?.throwIfAborted();
    if (seen === total) throw new FeedError(`a clip of ${total} frames goes on after them`);
    if (seen++ === 0) size = frame.length;
    checkFrame(frame, size, rows * columns);
    if (capacity === 1) {
      yield { count: 1, pixels: frame };
      continue;
    }
    if (held.length === 0) held = new Float32Array(capacity * size);
    const at = (seen - 1) % capacity;
    held.set(frame, at * size);
    if (at + 1 === capacity) yield { count: capacity, pixels: held };
  }
  if (seen !== total) throw new FeedError(`a clip of ${total} frames ends after ${seen}`);
  const rest = capacity === 1 ? 0 : total % capacity;
  if (rest > 0) yield { count: rest, pixels: held.subarray(0, rest * size) };
}

function checkFrame({ length }: Float32Array, size: number, patches: number): void {
  if (length === 0 || length % patches !== 0)
    throw new FeedError(`${length} pixel values are not a whole number for each of ${patches} patches`);
  if (length !== size) throw new FeedError(`a frame has ${length} pixel values, the first of its clip ${size}`);
}
