import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf } from "../../test/helpers.js";
import { Float, float, floatString, parseJson, roundDecimals, timeString } from "./number.js";

/** round(x, digits) of the exact binary value, in integers: x = m * 2^e. */
function exactRound(x: number, digits: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(x));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const mantissa = exponent === 0 ? bits & (2n ** 52n - 1n) : (bits & (2n ** 52n - 1n)) | (2n ** 52n);
  const shift = BigInt(1074 - Math.max(exponent - 1, 0));
  const scaled = mantissa * 10n ** BigInt(digits);
  const floor = scaled >> shift;
  const rest = scaled - (floor << shift);
  const twice = rest * 2n;
  const unit = 1n << shift;
  const up = twice > unit || (twice === unit && floor % 2n === 1n);
  const text = (up ? floor + 1n : floor).toString().padStart(digits + 1, "0");
  return `${x < 0 ? "-" : ""}${text.slice(0, text.length - digits)}.${text.slice(text.length - digits) || "0"}`;
}

describe("timeString", () => {
  it("is Python's str(round(t, 1))", () => {
    const table: [number | Float, string][] = [
      [7, "7"],
      [0, "0"],
      [float(0), "0.0"],
      [float(61), "61.0"],
      [3.25, "3.2"],
      [3.75, "3.8"],
      [1.25, "1.2"],
      [0.25, "0.2"],
      [0.05, "0.1"],
      [0.15, "0.1"],
      [2.35, "2.4"],
      [0.04, "0.0"],
      [9.96, "10.0"],
      [-1.25, "-1.2"],
      [-0.01, "-0.0"],
      [12345678.25, "12345678.2"],
    ];
    for (const [t, text] of table) expect(timeString(t)).toBe(text);
  });

  it("agrees with exact arithmetic", () => {
    const quarter = fc.integer({ min: -400_000, max: 400_000 }).map((n) => n / 4);
    fc.assert(
      fc.property(
        fc.oneof(
          quarter,
          fc.double({ min: -1e6, max: 1e6, noNaN: true }),
          fc.float({ min: 0, max: 4096, noNaN: true }),
        ),
        (t) => {
          expect(timeString(float(t))).toBe(Object.is(t, -0) ? "-0.0" : exactRound(t, 1));
        },
      ),
      { numRuns: 2000 },
    );
    const eighths = fc.integer({ min: -4000, max: 4000 }).map((n) => n / 64);
    fc.assert(
      fc.property(eighths, fc.integer({ min: 1, max: 5 }), (t, digits) => {
        expect(roundDecimals(t, digits)).toBe(Number(exactRound(t, digits)));
      }),
    );
  });

  it("refuses what is no time", () => {
    expect(codeOf(() => timeString(Number.NaN))).toBe("time-value");
    expect(codeOf(() => timeString(float(Number.POSITIVE_INFINITY)))).toBe("time-value");
    expect(codeOf(() => timeString("1" as unknown as number))).toBe("time-value");
  });
});

describe("floatString", () => {
  it("writes floats as Python does", () => {
    const table: [number, string][] = [
      [1, "1.0"],
      [0.1, "0.1"],
      [1e16, "1e+16"],
      [123456789012345680, "1.2345678901234568e+17"],
      [1e15, "1000000000000000.0"],
      [0.0001, "0.0001"],
      [0.00001, "1e-05"],
      [-2.5e-7, "-2.5e-07"],
      [Number.NaN, "nan"],
      [Number.NEGATIVE_INFINITY, "-inf"],
    ];
    for (const [x, text] of table) expect(floatString(x)).toBe(text);
  });
});

describe("parseJson", () => {
  it("keeps whole floats apart from integers", () => {
    expect(parseJson('{"a":[61.0,61,61.5,1e2,-0.0,"1.0 \\" 2.0"],"float":{"float_":1}}')).toEqual({
      a: [float(61), 61, 61.5, float(100), float(-0), '1.0 " 2.0'],
      float: { float_: 1 },
    });
    expect(() => parseJson("{1.0}")).toThrow(SyntaxError);
  });

  it("is JSON.parse otherwise", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain = (v: unknown): unknown => {
          if (v instanceof Float) return v.value;
          if (Array.isArray(v)) return v.map(plain);
          return typeof v === "object" && v !== null
            ? Object.fromEntries(Object.entries(v).map(([k, w]) => [k, plain(w)]))
            : v;
        };
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });
});
