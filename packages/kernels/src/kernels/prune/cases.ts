import type { Cases } from "../../cases.js";
import { leastKept, type PruneParam, pruneKernelRules } from "./rules.js";

/** Thresholds as people write them: none but 0 is a float32. */
const THRESHOLDS = [0, 0.003, 0.1, 0.3, 12.5];

/**
 * Distances around the threshold of each rule: those that decide are the last float32 that is dropped and the first that is
 * kept.
 */
export const pruneCases: Cases<PruneParam, "distances" | "frame_counts" | "sums" | "kept" | "count"> = {
  sizes: {
    frames: [0, 30],
    tokens: [1, 90],
    rule: [0, 4],
    threshold: [0, THRESHOLDS.length - 1],
    summed: [1, 600],
    least: [0, 4],
    continues: [0, 1],
    // Percent of the distances that are above.
    above: [0, 100],
  },
  always: [
    { frames: 1, tokens: 1, rule: 0, threshold: 2, summed: 1, least: 1, continues: 0, above: 50 },
    { frames: 2, tokens: 512, rule: 3, threshold: 2, summed: 1, least: 1, continues: 1, above: 50 },
    { frames: 5, tokens: 205, rule: 1, threshold: 2, summed: 588, least: 3, continues: 0, above: 1 },
    { frames: 40, tokens: 300, rule: 2, threshold: 2, summed: 3, least: 1, continues: 0, above: 30 },
    // Whole in its first frame, although released.
    { frames: 3, tokens: 300, rule: 0, threshold: 1, summed: 1, least: 1, continues: 0, above: 30 },
    { frames: 700, tokens: 1, rule: 1, threshold: 0, summed: 1, least: 0, continues: 1, above: 40 },
    { frames: 2, tokens: 3, rule: 4, threshold: 2, summed: 1, least: 1, continues: 0, above: 0 },
    { frames: 2, tokens: 3, rule: 3, threshold: 2, summed: 1, least: 7, continues: 1, above: 0 },
  ],
  exact: true,
  make(sizes, random) {
    const { frames = 1, tokens = 1, rule = 0, summed = 1, least = 0, continues = 0, above = 50 } = sizes;
    const threshold = THRESHOLDS[sizes.threshold ?? 0] ?? 0;
    const params = { frames, tokens, rule, summed, threshold, min_tokens: least, continues };
    const first = leastKept(params);
    const last = new Float32Array(1);
    new Int32Array(last.buffer)[0] = Math.max(0, new Int32Array(Float32Array.of(first).buffer)[0]! - 1);
    const distances = Float32Array.from({ length: frames * tokens }, () => {
      const far = random.unit() < 0.5 ? 1 : 1 + random.unit();
      const [up, odd] = [random.unit() * 100 < above, random.unit()];
      if (odd < 0.01) return Number.NaN;
      return up ? first * far : last[0]! / far;
    });
    return { params, inputs: { distances } };
  },
  bench: {
    "an hour of video": {
      ...{ frames: 3600, tokens: 256, rule: pruneKernelRules.embedding, threshold: 2, summed: 1, least: 1 },
      ...{ continues: 0, above: 45 },
    },
  },
};
