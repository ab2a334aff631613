import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { KernelError } from "../layout.js";
import { Random } from "../random.js";
import { bilinearWeights, tokenMerge } from "./token-merge.js";

test("windows of any size, weighed bilinearly and otherwise", async () => {
  expect(await testKernel(tokenMerge, await testRunner())).toBeGreaterThan(0);
});

/** A picture resized to 1/m as torch.nn.functional.interpolate does: bilinear, align_corners = false, no antialias. */
function resized(picture: ArrayLike<number>, side: number, m: number): number[] {
  const out: number[] = [];
  for (let row = 0; row < side / m; row++)
    for (let col = 0; col < side / m; col++) {
      const [y, x] = [(row + 0.5) * m - 0.5, (col + 0.5) * m - 0.5];
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const at = (r: number, c: number) => picture[Math.min(r, side - 1) * side + Math.min(c, side - 1)]!;
      const along = (r: number) => at(r, left) * (1 - (x - left)) + at(r, left + 1) * (x - left);
      out.push(along(top) * (1 - (y - top)) + along(top + 1) * (y - top));
    }
  return out;
}

test("bilinear weights make the bilinear resize, for any m", () => {
  for (let m = 1; m <= 7; m++) {
    const [side, window] = [3 * m, m * m];
    const picture = new Random(m, false).numbers(side * side);
    const blocks = Array.from({ length: 9 }, (_, b) => [Math.floor(b / 3) * m, (b % 3) * m] as const);
    const x = blocks.flatMap(([top, left]) =>
      Array.from({ length: window }, (_, i) => picture[(top + Math.floor(i / m)) * side + left + (i % m)]!),
    );
    const params = { rows: 9, window, width: 1 };
    const { y = [] } = tokenMerge.reference(params, { x, weights: bilinearWeights(m) });
    for (const [i, wanted] of resized(picture, side, m).entries()) expect(y[i]).toBeCloseTo(wanted, 12);
  }
});

test("a window's side that cannot be is refused by name", () => {
  for (const m of [0, -1, 1.5, Number.NaN, 1025]) expect(() => bilinearWeights(m)).toThrow(KernelError);
});
