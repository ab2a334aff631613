import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { rmsNorm } from "./rms-norm.js";

test("rows of any width, against the definition", async () => {
  expect(await testKernel(rmsNorm, await testRunner())).toBeGreaterThan(0);
});
