import { expect, test } from "vitest";
import { averageRate } from "./rate.js";

const pace = (count: number, ticks: number, step: number) => ({ count, ticks, per: 1, span: count * step });

test("a rate that is printed with two digits is found exactly", () => {
  expect(averageRate(29.97, pace(30, 30000, 1001))).toBe(30000 / 1001);
  expect(averageRate(23.98, pace(30, 24000, 1001))).toBe(24000 / 1001);
  expect(averageRate(25.77, { ...pace(129, 30000, 1001), span: 150_150 })).toBe(25800 / 1001);
  expect(averageRate(25, pace(50, 12800, 512))).toBe(25);
});

test("where times are whole milliseconds, the usual rates come first", () => {
  expect(averageRate(30, pace(30, 1000, 33))).toBe(30);
  expect(averageRate(29.97, pace(300, 1000, 33.4))).toBe(30000 / 1001);
  expect(averageRate(7.5, pace(30, 1000, 134))).toBe(7.5);
});

test("without a printed rate the packets tell it, and one packet is taken for one of 25 a second", () => {
  expect(averageRate(undefined, pace(50, 1000, 100))).toBe(10);
  expect(averageRate(undefined, pace(1, 1, 0))).toBe(25);
  expect(averageRate(17.43, pace(10, 1000, 100))).toBe(17.43);
});
