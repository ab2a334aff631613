import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { attention } from "./attention.js";

test("attention of any shape, against the definition", { timeout: 60_000 }, async () => {
  expect(await testKernel(attention, await testRunner())).toBeGreaterThan(0);
});
