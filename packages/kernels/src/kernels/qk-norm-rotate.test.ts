import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { qkNormRotate } from "./qk-norm-rotate.js";

test("heads of any even size, both pairings, tables shared by a batch", async () => {
  expect(await testKernel(qkNormRotate, await testRunner())).toBeGreaterThan(0);
});
