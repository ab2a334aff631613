import { testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testDevice } from "../../test/device.js";
import { KernelError } from "../layout.js";
import { Random } from "../random.js";
import { runKernel } from "../webgpu/run.js";
import { unary, unaryOps } from "./unary.js";

const device = await testDevice();
const on = async (op: number, x: ArrayLike<number>) => {
  const { y = [] } = await runKernel(device, unary, { params: { count: x.length, op }, inputs: { x } });
  return Array.from(y);
};

test("every function, on small numbers and on large ones", async () => {
  expect(await testKernel(unary, webgpuRunner(device))).toBeGreaterThan(0);
});

test("cosine and sine of angles of every magnitude that float32 has", async () => {
  const random = new Random(3, false);
  const x = Float32Array.from(
    { length: 20_000 },
    () => (random.unit() < 0.5 ? -1 : 1) * 2 ** (random.unit() * 247 - 120),
  );
  for (const [op, f] of [["cos", Math.cos] as const, ["sin", Math.sin] as const]) {
    const y = await on(unaryOps[op], x);
    expect(y.reduce((worst, n, i) => Math.max(worst, Math.abs(n - f(x[i]!))), 0)).toBeLessThan(1e-7);
  }
});

test("quarter turns, where the reduction has nothing left", async () => {
  // The float32 numbers around multiples of pi / 2.
  const x = Float32Array.from({ length: 4000 }, (_, k) => ((k - 2000) * Math.PI) / 2);
  const y = await on(unaryOps.sin, x);
  expect(y.reduce((worst, n, i) => Math.max(worst, Math.abs(n - Math.sin(x[i]!))), 0)).toBeLessThan(1e-7);
});

test("large numbers saturate, with no NaN", async () => {
  const x = [-1e30, -1000, -100, 100, 1000, 1e30].map(Math.fround);
  expect(await on(unaryOps.tanh, x)).toEqual([-1, -1, -1, 1, 1, 1]);
  expect(await on(unaryOps.erf, x)).toEqual([-1, -1, -1, 1, 1, 1]);
  for (const op of [unaryOps.gelu, unaryOps.gelu_tanh, unaryOps.silu]) {
    const y = await on(op, x);
    expect(y.slice(3)).toEqual(x.slice(3));
    // What is left of -1e30 by exp(-88) is beyond what a layer could tell from 0.
    for (const n of y.slice(1, 3)) expect(Math.abs(n)).toBeLessThan(1e-30);
  }
});

test("a function that there is not has a named error", async () => {
  await expect(on(10, [1])).rejects.toThrow(KernelError);
  await expect(on(10, [1])).rejects.toThrow(/unary: op is 10, it must be one of .*"silu":9/);
});
