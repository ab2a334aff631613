import { formsOf, testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { describe, expect, test } from "vitest";
import { descending } from "../../../core/src/generate/descending.js";
import { argmax as argmaxOnHost } from "../../../core/src/generate/sample.js";
import { testDevice } from "../../test/device.js";
import { anyKernel, defaultLimits } from "../kernel.js";
import { Random } from "../random.js";
import { argmax } from "./argmax.js";
import { frameDifference } from "./frame-difference.js";
import { logits } from "./order.js";
import { prune } from "./prune.js";
import { topK } from "./top-k.js";

// One for all, as it compiles a kernel but once.
const runner = testDevice().then((device) => webgpuRunner(device));

const all = [anyKernel(argmax), anyKernel(frameDifference), anyKernel(prune), anyKernel(topK)];
test.each(all.map((kernel) => [kernel.name, kernel] as const))("%s, against its definition", async (_, kernel) => {
  expect(await testKernel(kernel, await runner, { runs: 10 })).toBeGreaterThan(0);
});

describe("a whole vocabulary, as the host's sampler has it", () => {
  const width = 152_064;
  const x = logits(new Random(4, false), 1, width, 60_000).map((v) => (v === Number.POSITIVE_INFINITY ? 0 : v));

  test("argmax", async () => {
    const { index } = await (await runner).run(
      formsOf(anyKernel(argmax))[0]!,
      { rows: 1, width },
      { x },
      defaultLimits,
    );
    expect(index).toEqual(Int32Array.of(argmaxOnHost(x)));
  });

  test.each([1, 40, 128])("the %d largest", async (k) => {
    const wanted: number[] = [];
    for (const id of descending(x)) if (wanted.push(id) === k) break;
    expect(wanted).toHaveLength(k);
    const params = { rows: 1, width, k, stage: 0 };
    const { values, indices } = await (await runner).run(formsOf(anyKernel(topK))[0]!, params, { x }, defaultLimits);
    expect(indices).toEqual(Int32Array.from(wanted));
    expect(values).toEqual(Float32Array.from(wanted, (id) => x[id]!));
  });
});

test("one that is larger by no more than a float can be, long after the first", async () => {
  const x = new Float32Array(2000).fill(1);
  x[1500] = 1 + 2 ** -23;
  const params = { rows: 1, width: 2000, k: 1, stage: 0 };
  for (const form of formsOf(anyKernel(topK)))
    expect((await (await runner).run(form, params, { x }, defaultLimits)).indices).toEqual(Int32Array.of(1500));
});

test("how many to choose is checked", () => {
  const choice = { variant: topK.variants[0]!, preset: topK.presets[0]!, limits: defaultLimits };
  for (const k of [0, 257])
    expect(() => topK.launches({ rows: 1, width: 9, k, stage: 0 }, choice)).toThrow(
      `k is ${k}; it must be from 1 to 256`,
    );
});
