import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { ropeFrequencies, ropeTable } from "./rope-table.js";

test("positions up to a million, on both sides of 0", async () => {
  expect(await testKernel(ropeTable, await testRunner())).toBeGreaterThan(0);
});

test("frequencies fall from 1 to 1 / theta, by the same ratio from each to the next", () => {
  const frequencies = ropeFrequencies(10_000, 4);
  for (const [j, wanted] of [1, 0.1, 0.01, 0.001].entries()) expect(frequencies[j]! / wanted).toBeCloseTo(1, 6);
});
