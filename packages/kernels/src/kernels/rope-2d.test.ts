import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { rope2d } from "./rope-2d.js";

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
