import { keepMask, type PruneRule } from "@hulu/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { testDevice } from "../../test/device.js";
import { defaultLimits } from "../kernel.js";
import { Random } from "../random.js";
import { runKernel } from "../webgpu/run.js";
import { pruneKernelRules } from "./prune/rules.js";
import { prune } from "./prune.js";

const device = testDevice();

/** The places that the host keeps, in order. */
function placesOnHost(distances: Float32Array, tokens: number, rule: PruneRule, threshold: number, minTokens: number) {
  const mask = keepMask(distances, tokens, { rule, threshold, minTokens });
  return [...mask.keys()].filter((place) => mask[place] === 1);
}

test("the definition is what the host keeps", () => {
  const rules = fc.constantFrom(...(Object.keys(pruneKernelRules) as PruneRule[]));
  const threshold = fc.constantFrom(0, 0.003, 0.1, 1);
  const sizes = { frames: fc.integer({ min: 1, max: 6 }), tokens: fc.integer({ min: 1, max: 9 }) };
  const call = fc.record({ ...sizes, rule: rules, threshold, least: fc.nat(3), seed: fc.nat() });
  fc.assert(
    fc.property(call, ({ frames, tokens, rule, threshold, least, seed }) => {
      const random = new Random(seed, false);
      const near = () => threshold * (rule === "pixel255" ? 1 / 255 : 1) * (0.5 + random.unit());
      const distances = Float32Array.from({ length: frames * tokens }, () =>
        random.unit() < 0.2 ? Math.fround(threshold) : near(),
      );
      const numbers = { frames, tokens, threshold, summed: 1, min_tokens: least, continues: 0 };
      const { kept, count } = prune.reference({ ...numbers, rule: pruneKernelRules[rule] }, { distances });
      expect(Array.from(kept!).slice(0, count![0])).toEqual(placesOnHost(distances, tokens, rule, threshold, least));
    }),
    { numRuns: 300 },
  );
});

test("many tokens stay in order", async () => {
  // More blocks than one round of the scan takes: 293; four million tokens are 4096.
  const [frames, tokens] = process.env.HULU_FUZZ === "many" ? [4096, 1024] : [300, 1000];
  const random = new Random(5, false);
  const distances = Float32Array.from({ length: frames * tokens }, () => random.unit() ** 3);
  // Frames that keep nothing but their first.
  distances.fill(0, 7 * tokens, 90 * tokens);
  const params = { frames, tokens, rule: 1, summed: 1, threshold: 0.1, min_tokens: 1, continues: 0 };
  const { kept, count } = await runKernel(await device, prune, { params, inputs: { distances } });
  const wanted = new Int32Array(frames * tokens).fill(-1);
  const places = placesOnHost(distances, tokens, "pixel", 0.1, 1);
  wanted.set(places);
  expect(count).toEqual(Int32Array.of(places.length));
  expect(Buffer.compare(Buffer.from(kept!.buffer), Buffer.from(wanted.buffer))).toBe(0);
});

test.each([
  [{ rule: 5 }, "the rule is 5; it must be one of pruneKernelRules"],
  [{ threshold: Number.NaN }, "the threshold is NaN; it must be a finite number of at least 0"],
  [{ threshold: -1 }, "the threshold is -1"],
  [{ summed: 0 }, "summed is 0; it must be at least 1"],
])("%j is refused", (change, message) => {
  const params = { frames: 1, tokens: 1, rule: 0, summed: 1, threshold: 0.1, min_tokens: 1, continues: 0, ...change };
  const choice = { variant: prune.variants[0]!, preset: prune.presets[0]!, limits: defaultLimits };
  expect(() => prune.launches(params, choice)).toThrow(message);
});
