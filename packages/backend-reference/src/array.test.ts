import { expect, test } from "vitest";
import { array, count, strides, walk } from "./array.js";

test("strides are row-major", () => {
  expect(strides([2, 3, 4])).toEqual([12, 4, 1]);
  expect(strides([5])).toEqual([1]);
  expect(strides([])).toEqual([]);
  expect(count([2, 3, 4])).toBe(24);
  expect(count([])).toBe(1);
});

test("walking: transposed, repeated, from a start, over nothing", () => {
  const x = array([2, 3], Float64Array.of(0, 1, 2, 3, 4, 5));
  expect([...walk(x, [3, 2], [1, 3]).data]).toEqual([0, 3, 1, 4, 2, 5]);
  expect([...walk(x, [2, 2, 3], [0, 3, 1]).data]).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
  expect([...walk(x, [2, 2], [3, 1], 1).data]).toEqual([1, 2, 4, 5]);
  expect([...walk(x, [], [], 4).data]).toEqual([4]);
  expect(walk(x, [2, 0], [3, 1])).toEqual(array([2, 0]));
});
