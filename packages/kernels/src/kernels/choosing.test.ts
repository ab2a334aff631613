import { testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { describe, expect, test } from "vitest";
import { descending } from "../../../core/src/generate/descending.js";
import { argmax as argmaxOnHost } from "../../../core/src/generate/sample.js";
import { testDevice } from "../../test/device.js";
import { anyKernel, defaultLimits } from "../kernel.js";
import { Random } from "../random.js";
import { runKernel } from "../webgpu/run.js";
import { argmax } from "./argmax.js";
import { frameDifference } from "./frame-difference.js";
import { logits } from "./order.js";
import { prune } from "./prune.js";
import { topK } from "./top-k.js";

const device = testDevice();

const all = [anyKernel(argmax), anyKernel(frameDifference), anyKernel(prune), anyKernel(topK)];
test.each(all.map((kernel) => [kernel.name, kernel] as const))("%s, against its definition", async (_, kernel) => {
  expect(await testKernel(kernel, webgpuRunner(await device))).toBeGreaterThan(0);
});

describe("a whole vocabulary, as the host's sampler has it", () => {
  const width = 152_064;
  const x = logits(new Random(4, false), 1, width, 60_000).map((v) => (v === Number.POSITIVE_INFINITY ? 0 : v));

  test("argmax", async () => {
    const { index } = await runKernel(await device, argmax, { params: { rows: 1, width }, inputs: { x } });
    expect(index).toEqual(Int32Array.of(argmaxOnHost(x)));
  });

  test.each([1, 40, 128])("the %d largest", async (k) => {
    const wanted: number[] = [];
    for (const id of descending(x)) if (wanted.push(id) === k) break;
    expect(wanted).toHaveLength(k);
    const { values, indices } = await runKernel(await device, topK, { params: { rows: 1, width, k }, inputs: { x } });
    expect(indices).toEqual(Int32Array.from(wanted));
    expect(values).toEqual(Float32Array.from(wanted, (id) => x[id]!));
  });
});

test("how many to choose is checked", () => {
  const choice = { variant: topK.variants[0]!, preset: topK.presets[0]!, limits: defaultLimits };
  for (const k of [0, 257])
    expect(() => topK.launches({ rows: 1, width: 9, k }, choice)).toThrow(`k is ${k}; it must be from 1 to 256`);
});
