import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { rotate } from "./rotate.js";

test("both pairings, tables shared by a batch", async () => {
  expect(await testKernel(rotate, await testRunner())).toBeGreaterThan(0);
});
