import { VisionError } from "./patches.js";

/**
 * Which tokens of a video or volume are kept: those that differ enough from the token at the same place one frame earlier.
 *
 * | name | distance | kept when | first frame |
 * |---|---|---|---|
 * | `released` | mean absolute difference of the normalized pixels of the merge window | > threshold | only its first `minTokens` (the released code, as it runs) |
 * | `pixel` | the same | > threshold | whole (what that code evidently means) |
 * | `pixel255` | the same times 255 | > threshold | whole (VideoLLaMA3, transformers' `video_llama_3`) |
 * | `embedding` | L1 norm of the difference of the encoder's tokens | >= threshold | whole (the paper, Methods) |
 * | `off` | - | always | whole |
 */
export type PruneRule = "released" | "pixel" | "pixel255" | "embedding" | "off";
export const pruneRules: readonly PruneRule[] = ["released", "pixel", "pixel255", "embedding", "off"];

export interface PruneOptions {
  readonly rule: PruneRule;
  /** 0.1 unless given. */
  readonly threshold?: number;
  /** A frame that would keep fewer keeps its first ones as well; 1 unless given. */
  readonly minTokens?: number;
}

/** What goes for an option of pruning that is not given. */
export const pruneDefaults = { threshold: 0.1, minTokens: 1 } as const;

/**
 * How far each merge window is from the same window one frame earlier: the mean of the absolute differences of its
 * normalized pixel values.
 * @param pixels `[frame, patch, value]`, patches in merge-block order
 * @param frames how many frames there are
 * @param tokens how many merge windows a frame has
 * @param before the frame before the first; without one the first frame's distances are 0
 * @returns `[frame, token]`
 */
export function pixelDistances(
  pixels: Float32Array,
  frames: number,
  tokens: number,
  before?: Float32Array,
): Float64Array {
  const width = pixels.length / (frames * tokens);
  if (!Number.isInteger(width))
    throw new VisionError(`${pixels.length} values are not ${frames} frames of ${tokens} equal windows`);
  const frame = width * tokens;
  const distances = new Float64Array(frames * tokens);
  for (let t = 0; t < frames; t++) {
    const previous = t === 0 ? before : pixels.subarray((t - 1) * frame, t * frame);
    if (previous === undefined) continue;
    const current = pixels.subarray(t * frame, (t + 1) * frame);
    for (let i = 0; i < tokens; i++) distances[t * tokens + i] = meanDifference(current, previous, i * width, width);
  }
  return distances;
}

function meanDifference(a: Float32Array, b: Float32Array, start: number, width: number): number {
  let sum = 0;
  for (let i = start; i < start + width; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / width;
}

/** Whether one token stays, by its distance from the frame before (undefined in the first frame). */
function keeps(rule: PruneRule, distance: number | undefined, threshold: number): boolean {
  if (rule === "off") return true;
  // The released code gives the first frame the score threshold + 1 on the scale of 255, and compares score / 255.
  if (distance === undefined) return rule !== "released" || (threshold + 1) / 255 > threshold;
  if (rule === "embedding") return distance >= threshold;
  return (rule === "pixel255" ? distance * 255 : distance) > threshold;
}

/**
 * The tokens that a rule keeps, by their distances.
 * @param distances `[frame, token]`; those of the first frame are not looked at unless `continues`
 * @param tokens how many tokens a frame has
 * @param continues whether these frames follow others, so that their first is not the clip's first
 * @returns 1 = kept, `[frame, token]`
 */
export function keepMask(
  distances: ArrayLike<number>,
  tokens: number,
  options: PruneOptions,
  continues = false,
): Uint8Array {
  const { rule, threshold = pruneDefaults.threshold, minTokens = pruneDefaults.minTokens } = options;
  checkOptions(rule, threshold, minTokens);
  const mask = new Uint8Array(distances.length);
  for (let start = 0; start < mask.length; start += tokens) {
    const first = start === 0 && !continues;
    let kept = 0;
    for (let i = start; i < start + tokens; i++)
      kept += mask[i] = Number(keeps(rule, first ? undefined : distances[i], threshold));
    if (kept < minTokens) mask.fill(1, start, start + Math.min(minTokens, tokens));
  }
  return mask;
}

function checkOptions(rule: PruneRule, threshold: number, minTokens: number): void {
  if (!pruneRules.includes(rule))
    throw new VisionError(`a pruning rule is one of ${pruneRules.join(", ")}, not "${rule}"`);
  if (!(Number.isFinite(threshold) && threshold >= 0))
    throw new VisionError(`a pruning threshold is a finite number of at least 0, not ${threshold}`);
  if (!(Number.isSafeInteger(minTokens) && minTokens >= 0))
    throw new VisionError(`minTokens is a whole number of at least 0, not ${minTokens}`);
}
