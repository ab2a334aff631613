import { expect, test } from "vitest";
import { averageRate } from "./rate.js";

const packets = (count: number, tick: number, step: number) => ({
  count,
  tick,
  first: -2 * step,
  last: (count - 3) * step,
  lastDuration: step,
  odd: false,
});

test("a rate that is printed with two digits is found exactly", () => {
  expect(averageRate(29.97, packets(30, 1 / 30000, 1001))).toBeCloseTo(30000 / 1001, 12);
  expect(averageRate(23.98, packets(30, 1 / 24000, 1001))).toBeCloseTo(24000 / 1001, 12);
  expect(averageRate(25.77, { ...packets(129, 1 / 30000, 1001), last: 147_147 })).toBeCloseTo(25800 / 1001, 12);
});

test("where times are whole milliseconds, the usual rates come first", () => {
  expect(averageRate(30, packets(30, 1 / 1000, 33))).toBe(30);
  expect(averageRate(29.97, packets(300, 1 / 1000, 33.4))).toBe(30000 / 1001);
  expect(averageRate(7.5, packets(30, 1 / 1000, 134))).toBe(7.5);
});

test("without a printed rate the packets tell it, and one packet is taken for one of 25 a second", () => {
  expect(averageRate(undefined, packets(50, 1 / 1000, 100))).toBeCloseTo(10, 9);
  expect(averageRate(undefined, { count: 1, tick: 1, first: 0, last: 0, lastDuration: 0, odd: false })).toBe(25);
  expect(averageRate(17.43, packets(10, 1 / 1000, 100))).toBe(17.43);
});
