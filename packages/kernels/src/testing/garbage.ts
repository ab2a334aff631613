import { KernelError } from "../layout.js";
import type { Margin } from "../webgpu/run.js";

/**
 * What stands in memory that nobody has written: a NaN as float32 and in both halves as float16 and bfloat16, far outside of
 * every array as an index, and another in each buffer and from word to word, so that a copy of it is seen as well.
 */
const GARBAGE = 0x7fd5ff81;
const KINDS = 127;

const garbageAt = (i: number, binding: number): number => GARBAGE + ((i * 7 + binding * 31) % KINDS);

/** Whether a word looks as if nobody had written it. */
export const isGarbage = (word: number): boolean => word >= GARBAGE && word < GARBAGE + KINDS;

/** Fill words of a buffer as they are before a kernel runs: for runners that have memory of their own. */
export function fillGarbage(words: Uint32Array, binding: number): void {
  for (let i = 0; i < words.length; i++) words[i] = garbageAt(i, binding);
}

/** More than a row of most examples: a device may drop what is written behind all that is bound. */
const BYTES = 4096;
const WORDS = BYTES / 4;

/** Garbage before and behind every buffer, which must be as they were. */
export const margin: Margin = {
  bytes: BYTES,
  fill: fillGarbage,
  inspect(name, words, binding) {
    const end = words.length - WORDS;
    for (let i = 0; i < words.length; i++) {
      if (i === WORDS) i = Math.max(WORDS, end);
      if (words[i] === garbageAt(i, binding)) continue;
      const place = i < WORDS ? `${WORDS - i} words before ${name}` : `${i - end + 1} words behind the end of ${name}`;
      throw new KernelError(`it wrote ${place}, where nothing of its own is`);
    }
  },
};
