import { beforeAll, expect, test } from "vitest";
import { testDevice } from "../../test/device.js";
import { benchKernels, describeFigure } from "../bench.js";
import { anyKernel } from "../kernel.js";
import { rmsNorm } from "../kernels/rms-norm.js";
import { presetFor, variantFor } from "../layout.js";
import { measureKernel } from "./kernel.js";
import { secondsOf, stopwatch } from "./stopwatch.js";

const small = anyKernel({ ...rmsNorm, cases: { ...rmsNorm.cases, bench: { small: { rows: 8, width: 64 } } } });
let device: GPUDevice;
beforeAll(async () => {
  device = await testDevice();
});

test("a kernel's figures are its work over its time, and what part of the device's limits that is", async () => {
  const at = { kernel: small, place: "small", variant: variantFor(small, device), preset: presetFor(small, device) };
  const figure = await measureKernel(device, at, stopwatch(device), { copy: 1e9, multiply: 1e10 });
  const { bytes, flops } = small.work({ rows: 8, width: 64, eps: 0 }, at.variant);
  expect(figure.seconds).toBeGreaterThan(0);
  expect(figure.bytes * figure.seconds).toBeCloseTo(bytes, 6);
  expect(figure.ofCopy).toBeCloseTo(figure.bytes / 1e9, 12);
  expect(figure.ofMultiply * 1e10 * figure.seconds).toBeCloseTo(flops, 6);
});

test("one time is the median of rounds that are long enough", async () => {
  const asked: number[] = [];
  const noise = [1, 5, 1, 1, 0.5];
  const watch = async (_: unknown, times: number) => {
    asked.push(times);
    return times * 1e-3 * (asked.length > 2 ? (noise[asked.length - 2] as number) : 1);
  };
  expect(await secondsOf(watch, () => {})).toBeCloseTo(1e-3, 9);
  expect(asked).toEqual([1, 24, 24, 24, 24, 24]);
});

test("the speed of a device that computes on the CPU is not told", async () => {
  await expect(benchKernels(device, [small])).rejects.toThrow("its speed says nothing of a GPU");
});

test("a figure is told with its part of the device's limits", () => {
  const figure = { kernel: "k", place: "p", variant: "v", preset: "", seconds: 1 };
  const told = describeFigure({ ...figure, bytes: 2.5e9, ofCopy: 0.81, flops: 4e10, ofMultiply: 0.6 });
  expect(told.replaceAll(/ +/g, " ")).toBe("k (v), p 2.5 GB/s 81 % 40.0 GFLOP/s 60 %");
});
