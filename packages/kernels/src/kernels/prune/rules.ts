import type { Params } from "../../kernel.js";
import { KernelError } from "../../layout.js";

export type PruneParam = "frames" | "tokens" | "rule" | "summed" | "threshold" | "min_tokens" | "continues";

/**
 * What `rule` means. `released` and `pixel`: a mean distance above the threshold, the first frame whole but with `released`,
 * whose first frame keeps its first `min_tokens`. `pixel255`: the mean times 255. `embedding`: a sum of at least the threshold.
 * `off`: all.
 */
export const pruneKernelRules = { released: 0, pixel: 1, pixel255: 2, embedding: 3, off: 4 } as const;

/** Whether a token stays by its distance. */
export function keptByDistance({ rule, summed, threshold }: Params<PruneParam>, distance: number): boolean {
  if (rule === pruneKernelRules.off) return true;
  if (rule === pruneKernelRules.embedding) return distance >= threshold;
  const mean = distance / summed;
  return (rule === pruneKernelRules.pixel255 ? mean * 255 : mean) > threshold;
}

/** Whether the first frame of all is whole; the released code gives it the score threshold + 1, and compares score / 255. */
export const firstIsWhole = ({ rule, threshold }: Params<PruneParam>): boolean =>
  rule !== pruneKernelRules.released || (threshold + 1) / 255 > threshold;

/** @throws KernelError for a rule that is none, or a number out of its range */
export function checkRule({ rule, summed, threshold }: Params<PruneParam>): void {
  if (!Object.values<number>(pruneKernelRules).includes(rule))
    throw new KernelError(`prune: the rule is ${rule}; it must be one of pruneKernelRules`);
  if (!(Number.isFinite(threshold) && threshold >= 0))
    throw new KernelError(`prune: the threshold is ${threshold}; it must be a finite number of at least 0`);
  if (!(summed >= 1)) throw new KernelError(`prune: summed is ${summed}; it must be at least 1`);
}

const INFINITY_BITS = 0x7f800000;

/**
 * The least float32 that a rule keeps, so that a device with no float64 decides as float64 does: floats from 0 on are in the
 * order of their bits.
 */
export function leastKept(params: Params<PruneParam>): number {
  const view = new DataView(new ArrayBuffer(4));
  const float = (bits: number) => {
    view.setUint32(0, bits);
    return view.getFloat32(0);
  };
  let [low, high] = [0, INFINITY_BITS];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (keptByDistance(params, float(middle))) high = middle;
    else low = middle + 1;
  }
  return float(low);
}
