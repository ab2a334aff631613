import { describe, expect, test } from "vitest";
import { erf } from "./erf.js";

/** x, erf(x) and erfc(x) to the last bits of a double, from the C library of another language. */
const known = [
  [1e-10, 1.1283791670955126e-10, 0.999999999887162],
  [0.1, 0.1124629160182849, 0.8875370839817152],
  [0.5, 0.5204998778130465, 0.4795001221869535],
  [1, 0.8427007929497149, 0.15729920705028513],
  [1.5, 0.9661051464753108, 0.033894853524689274],
  [2, 0.9953222650189527, 0.004677734981047265],
  [2.4, 0.999311486103355, 0.0006885138966450789],
  [2.5, 0.999593047982555, 0.0004069520174449589],
  [2.6, 0.9997639655834707, 0.00023603441652934908],
  [3, 0.9999779095030014, 2.2090496998585438e-5],
  [3.5, 0.9999992569016276, 7.430983723414128e-7],
  [4, 0.9999999845827421, 1.541725790028002e-8],
  [5, 0.9999999999984626, 1.5374597944280351e-12],
  [5.9, 0.9999999999999999, 7.190409783550478e-17],
  [6, 1, 2.1519736712498916e-17],
] as const;

describe("erf", () => {
  test.each(known)("of %d", (x, value, rest) => {
    // Three units in the last place of 1, or of the value where that is small.
    const ulps = 3 * 2 ** -52 * Math.min(1, 4 * value);
    expect(Math.abs(erf(x) - value)).toBeLessThanOrEqual(ulps);
    expect(erf(-x)).toBe(-erf(x));
    expect(Math.abs(1 - erf(x) - rest)).toBeLessThanOrEqual(3 * 2 ** -52);
  });
  test("at the ends", () => {
    expect(erf(0)).toBe(0);
    expect(erf(Number.POSITIVE_INFINITY)).toBe(1);
    expect(erf(Number.NEGATIVE_INFINITY)).toBe(-1);
    expect(erf(40)).toBe(1);
    expect(erf(Number.NaN)).toBeNaN();
  });
  test("never falls, across the seam of its two forms too", () => {
    let last = -1;
    for (let x = -6.5; x <= 6.5; x += 1 / 512) {
      expect(erf(x)).toBeGreaterThanOrEqual(last - 2 ** -53);
      last = erf(x);
    }
  });
});
