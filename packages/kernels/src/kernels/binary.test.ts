import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { binary } from "./binary.js";

test("every function, on numbers of both signs", async () => {
  expect(await testKernel(binary, await testRunner())).toBeGreaterThan(0);
});
