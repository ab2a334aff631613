import { testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testDevice } from "../../test/device.js";
import { Random } from "../random.js";
import { runKernel } from "../webgpu/run.js";
import { layerNorm } from "./layer-norm.js";

const device = await testDevice();

test("rows of any width, near 0 and far from it", async () => {
  expect(await testKernel(layerNorm, webgpuRunner(device))).toBeGreaterThan(0);
});

test("neither a mean of a million nor one huge number costs the others their digits", async () => {
  const width = 1152;
  const params = { rows: 2, width, eps: 1e-6 };
  const x = new Random(1, false).numbers(2 * width).map((n, i) => (i < width ? n + 1e6 : n));
  x[width] = 1e4;
  const inputs = { x, weight: new Float32Array(width).fill(1), bias: new Float32Array(width) };
  const { y = [] } = await runKernel(device, layerNorm, { params, inputs });
  const wanted = layerNorm.reference(params, inputs).y!;
  const worst = Array.from(y, (n, i) => Math.abs(n - wanted[i]!) / (1 + Math.abs(wanted[i]!)));
  expect(Math.max(...worst)).toBeLessThan(2e-6);
});

test("a row of one number gives the bias, wherever it is", async () => {
  const width = 700;
  const inputs = {
    x: new Float32Array(width).fill(8193.1),
    weight: new Float32Array(width).fill(1),
    bias: new Float32Array(width).fill(3),
  };
  const { y = [] } = await runKernel(device, layerNorm, { params: { rows: 1, width, eps: 1e-6 }, inputs });
  for (const n of y) expect(n).toBeCloseTo(3, 5);
});
