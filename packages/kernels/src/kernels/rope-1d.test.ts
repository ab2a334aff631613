import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { Random } from "../random.js";
import { rope1d } from "./rope-1d.js";
import { ropeFrequencies } from "./rope-table.js";

test("positions up to a million, both pairings", async () => {
  expect(await testKernel(rope1d, await testRunner())).toBeGreaterThan(0);
});

test("what two heads have in common depends on how far they are apart alone", () => {
  const [half, random] = [8, new Random(2, false)];
  const [q, k] = [random.numbers(2 * half), random.numbers(2 * half)];
  const frequencies = ropeFrequencies(10_000, half);
  const turned = (x: ArrayLike<number>, at: number, interleaved: number) =>
    rope1d.reference({ rows: 1, heads: 1, dim: 2 * half, interleaved }, { x, position: [at], frequencies }).y!;
  const common = (a: number, b: number, interleaved: number) => {
    const [left, right] = [turned(q, a, interleaved), turned(k, b, interleaved)];
    return Array.from(left, (n, i) => n * right[i]!).reduce((sum, n) => sum + n);
  };
  for (const interleaved of [0, 1]) {
    expect(common(25, 20, interleaved)).toBeCloseTo(common(5, 0, interleaved), 5);
    expect(Math.abs(common(25, 20, interleaved) - common(20, 25, interleaved))).toBeGreaterThan(0.01);
  }
});
