import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { swiglu } from "./swiglu.js";

test("gates near 0 and far on both sides of it", async () => {
  expect(await testKernel(swiglu, await testRunner())).toBeGreaterThan(0);
});
