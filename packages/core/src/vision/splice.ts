import { VisionError } from "./patches.js";

/** A prompt after pruning: what the decoder sees. */
export interface Spliced {
  /** The token ids that are left. */
  readonly ids: Int32Array;
  /** For each of them the row among the kept visual tokens that takes its place, or -1 where it is text. */
  readonly index: Int32Array;
  /** For each of them its place in the prompt before pruning. */
  readonly from: Int32Array;
}

/**
 * Take the pruned placeholders out of a prompt and give each that is left its visual row. Separators between frames stay.
 * @param ids the prompt, every placeholder expanded
 * @param imageToken the placeholder's id
 * @param keep for each visual token, in order, whether it is kept
 * @throws VisionError when there are more or fewer placeholders than visual tokens
 */
export function spliceVisual(ids: ArrayLike<number>, imageToken: number, keep: Uint8Array): Spliced {
  const left: number[] = [];
  const index: number[] = [];
  const from: number[] = [];
  let visual = 0;
  let row = 0;
  for (let i = 0; i < ids.length; i++) {
    const placeholder = ids[i] === imageToken;
    if (placeholder && keep[visual++] === 0) continue;
    left.push(ids[i]!);
    index.push(placeholder ? row++ : -1);
    from.push(i);
  }
  if (visual !== keep.length)
    throw new VisionError(`the prompt has ${visual} placeholders for ${keep.length} visual tokens`);
  return { ids: Int32Array.from(left), index: Int32Array.from(index), from: Int32Array.from(from) };
}

/**
 * Number positions densely again after pruning: from 0, and from 0 anew where a position that survived was 0, which is
 * where a packed sample begins.
 */
export function renumber(positions: ArrayLike<number>): Int32Array {
  const dense = new Int32Array(positions.length);
  let next = 0;
  for (let i = 0; i < dense.length; i++) {
    if (positions[i] === 0) next = 0;
    dense[i] = next++;
  }
  return dense;
}
