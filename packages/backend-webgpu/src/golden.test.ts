import { reference } from "@hulu/backend-reference";
import { maxAbs } from "@hulu/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { asHeld, type Golden, openGolden, runPicture } from "../test/golden-run.js";
import { testGpu } from "../test/gpu.js";
import { webgpuBackend } from "./index.js";
import { storageOf } from "./options.js";

let gpu: GPU;
beforeAll(async () => {
  gpu = await testGpu();
});

// What the released code gave, run in PyTorch; the bounds are those of the goldens' README.
describe.each(["q3-p16", "q2-p14"])("%s", (variant) => {
  test("a picture and twelve tokens behind it, as the published code gives them", async () => {
    const golden = await openGolden(variant);
    const out = (key: string) => golden.picture.tensor(`out.${key}`);
    const got = await runPicture(webgpuBackend({ gpu }), golden);
    expect(maxAbs(got.merged, out("merged").data)).toBeLessThan(5e-5);
    expect(maxAbs(got.projected, out("projected").data)).toBeLessThan(5e-5);
    expect(maxAbs(got.embeds, out("inputs_embeds").data)).toBeLessThan(1e-4);
    expect(maxAbs(got.logits, out("logits").data)).toBeLessThan(2e-4);
    expect(maxAbs(got.pieces, out("logits").data)).toBeLessThan(2e-4);
    expect(got.tokens).toEqual(out("generated").ints());
    expect(maxAbs(got.steps, out("step_logits").data)).toBeLessThan(2e-4);
  });
});

describe("weights in fewer bits", () => {
  let golden: Golden;
  let tokens: number[];
  beforeAll(async () => {
    golden = await openGolden("q3-p16");
    tokens = golden.picture.tensor("out.generated").ints();
  });

  // That the weights are rounded is all that these do: with the same rounded weights the reference, in float64, gives the
  // same logits within the bounds of float32. Against the published logits, which reach 14, the bound is by the storage:
  // every weight of float16 is off by up to 2^-12 of itself, of int8 and int4 by up to 1/254 and 1/14 of the largest of its 32,
  // and some hundred of each are summed, layer behind layer: measured were 0.0076, 0.23 and 2.5, of which this is some twice.
  const all = [
    ["f16", 0.015],
    ["int8", 0.5],
    ["int4", 5],
  ] as const;
  test.each(process.env.HULU_FUZZ === "many" ? all : all.slice(2))(
    "%s: only the weights are rounded",
    async (weights, bound) => {
      const held = await asHeld(golden, storageOf({ weights }));
      const want = await runPicture(reference, golden, { weights: held, tokens });
      const got = await runPicture(webgpuBackend({ gpu, weights }), golden, { tokens });
      expect(maxAbs(got.merged, want.merged)).toBeLessThan(5e-5);
      expect(maxAbs(got.logits, want.logits)).toBeLessThan(2e-4);
      expect(maxAbs(got.steps, want.steps)).toBeLessThan(2e-4);
      const off = maxAbs(got.logits, golden.picture.tensor("out.logits").data);
      expect(off).toBeLessThan(bound);
      expect(off).toBeGreaterThan(bound / 20);
    },
  );
});
