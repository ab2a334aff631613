import { type KernelForm, type Runner, testKernel } from "@hulu/kernels/testing";
import { beforeAll, expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { attention } from "./attention.js";

let runner: Runner;
beforeAll(async () => {
  runner = await testRunner();
});

test("attention of any shape, against the definition", { timeout: 240_000 }, async () => {
  expect(await testKernel(attention, runner)).toBeGreaterThan(0);
});

test("queries and keys over the limit of a binding go in pieces", { timeout: 240_000 }, async () => {
  const small: typeof attention = {
    ...attention,
    launches: (params, { limits, ...choice }) => {
      const { maxComputeWorkgroupsPerDimension, minStorageBufferOffsetAlignment } = limits;
      const least = { maxComputeWorkgroupsPerDimension, minStorageBufferOffsetAlignment };
      return attention.launches(params, { ...choice, limits: { ...least, maxStorageBufferBindingSize: 4096 } });
    },
  };
  // Of 20 numbers every sixteenth row may be bound, so that the second frame begins behind a place that may be.
  const two = { batch: 2, kv: 1, group: 3, dim: 20, causal: 1, window: 0, capped: 0, packed: 0 };
  const only = ({ preset }: KernelForm) => preset.name === attention.presets.at(-1)!.name;
  for (const sizes of [
    { ...two, seq: 37, past: 23 },
    { ...two, seq: 3, past: 80, window: 30 },
    { ...two, seq: 70, past: 0, causal: 0, packed: 1 },
  ]) {
    let launched = 0;
    const onExample = (_form: unknown, _example: unknown, { length }: readonly unknown[]) => {
      launched = length;
    };
    expect(await testKernel(small, runner, { only, onExample, example: { sizes, seed: 1, exact: false } })).toBe(1);
    expect(launched).toBeGreaterThanOrEqual(6);
  }
});
