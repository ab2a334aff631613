import { testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testDevice } from "../../test/device.js";
import { runKernel } from "../webgpu/run.js";
import { softmax } from "./softmax.js";

const device = await testDevice();

test("rows of any width, some of it masked", async () => {
  expect(await testKernel(softmax, webgpuRunner(device))).toBeGreaterThan(0);
});

test("what is masked weighs exactly nothing, however large the rest is", async () => {
  const x = [1e4, -1e30, 1e4, Number.NEGATIVE_INFINITY];
  const { y } = await runKernel(device, softmax, { params: { rows: 1, width: 4 }, inputs: { x } });
  expect([...(y ?? [])]).toEqual([0.5, 0, 0.5, 0]);
});
