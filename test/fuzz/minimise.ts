import { Dice } from "../dice.js";
import type { Files } from "./format.js";
import { join } from "./layout.js";

/**
 * A smaller input that still fails, by leaving out ever shorter parts and setting bytes to 0.
 * @param fails whether files still show what was found
 * @param tries how often it may be asked
 */
export async function minimise(files: Files, fails: (files: Files) => Promise<boolean>, tries = 150): Promise<Files> {
  let best = files;
  let left = tries;
  const better = async (candidate: Files) => {
    if (left-- <= 0 || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let i = best.length - 1; i >= 0 && best.length > 1; i--) await better(best.toSpliced(i, 1));
  for (let i = 0; i < best.length; i++) {
    for (let size = best[i]!.length >> 1; size >= 1 && left > 0; size >>= 1)
      for (let at = best[i]!.length - size; at >= 0 && left > 0; at -= size) {
        const file = best[i]!;
        await better(best.with(i, join(file.subarray(0, at), file.subarray(at + size))));
      }
    const dice = new Dice(i);
    for (let size = best[i]!.length >> 2; size >= 4 && left > 0; size >>= 1) {
      const file = best[i]!;
      const at = dice.below(file.length - size);
      const zeros = new Uint8Array(size);
      if (file.subarray(at, at + size).some((byte) => byte !== 0))
        await better(best.with(i, join(file.subarray(0, at), zeros, file.subarray(at + size))));
    }
  }
  return best;
}
