import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { defaultLimits } from "../kernel.js";
import { KernelError } from "../layout.js";
import { qkNormRotate } from "./qk-norm-rotate.js";
import { rope1d } from "./rope-1d.js";
import { rope2d } from "./rope-2d.js";
import { rotate } from "./rotate.js";

test("rows and columns up to a thousand, both pairings", async () => {
  expect(await testKernel(rope2d, await testRunner())).toBeGreaterThan(0);
});

test("the first half of the pairs turns with the row, the second with the column", () => {
  const turned = (row: number, col: number, interleaved: number) => {
    const params = { rows: 1, heads: 1, dim: 4, interleaved };
    // Quarter turns: (x1, x2) becomes (-x2, x1).
    const inputs = { x: [1, 2, 3, 4], row: [row], col: [col], frequencies: [Math.PI / 2] };
    return Array.from(rope2d.reference(params, inputs).y!, (n) => Math.round(n));
  };
  expect(turned(1, 0, 0)).toEqual([-3, 2, 1, 4]);
  expect(turned(0, 1, 0)).toEqual([1, -4, 3, 2]);
  expect(turned(1, 0, 1)).toEqual([-2, 1, 3, 4]);
  expect(turned(0, 1, 1)).toEqual([1, 2, -4, 3]);
});

test("heads that cannot be paired are refused by name", () => {
  const choice = { variant: rope2d.variants[0]!, preset: rope2d.presets[0]!, limits: defaultLimits };
  const sizes = { rows: 1, heads: 1, interleaved: 0 };
  expect(() => rope2d.launches({ ...sizes, dim: 6 }, choice)).toThrow(
    new KernelError("rope_2d: a head of 6 numbers must be a multiple of 4"),
  );
  expect(() => rope1d.launches({ ...sizes, dim: 7 }, choice)).toThrow(KernelError);
  expect(() => rotate.launches({ ...sizes, seq: 1, dim: 7 }, choice)).toThrow(KernelError);
  expect(() => qkNormRotate.launches({ ...sizes, seq: 1, eps: 0, dim: 7 }, choice)).toThrow(KernelError);
});
