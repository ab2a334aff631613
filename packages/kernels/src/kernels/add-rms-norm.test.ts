import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { addRmsNorm } from "./add-rms-norm.js";

test("the sum and its norm, rows of any width", async () => {
  expect(await testKernel(addRmsNorm, await testRunner())).toBeGreaterThan(0);
});
