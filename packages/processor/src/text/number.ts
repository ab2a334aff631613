import { ProcessorError } from "../errors.js";

/**
 * A Python float. JavaScript does not tell 61.0 from 61, and the prompts of this family do: `Time 61.0s` was a float,
 * `Time 7s` an integer. A plain number that is whole counts as an integer; a video's timestamps are floats.
 */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** {@link Float} of a number. */
export function float(value: number): Float {
  return new Float(value);
}

/** `number` or `Float`, the two numeric types of a conversation. */
export type Numeric = number | Float;

/**
 * `str(round(t, 1))` of Python: integers as they are, floats with one decimal, ties half-even on the exact binary value
 * (1.25 -> 1.2, 3.75 -> 3.8, 0.25 -> 0.2; toFixed would give 1.3).
 * @param seconds a number or a {@link Float}
 * @throws ProcessorError `time-value` when it is not finite.
 */
export function timeString(seconds: Numeric): string {
  const value = seconds instanceof Float ? seconds.value : seconds;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new ProcessorError("time-value", "a time must be a finite number of seconds");
  }
  if (!(seconds instanceof Float) && Number.isInteger(value)) return intString(value);
  return floatString(roundDecimals(value, 1));
}

/** Python's `round(x, digits)` of a float: the nearest decimal to the exact binary value, ties to the even digit. */
export function roundDecimals(x: number, digits: number): number {
  if (x === 0 || !Number.isFinite(x) || Math.abs(x) >= 2 ** 52 || digits > 22) return x;
  if (digits < 0) {
    const unit = 10 ** -digits;
    return roundDecimals(x / unit, 0) * unit;
  }
  const up = Number(x.toFixed(digits));
  // A tie is a value whose last binary place is exactly 2^-(digits + 1); toFixed takes the one away from zero.
  const halves = Math.abs(x) * 2 ** (digits + 1);
  if (!Number.isInteger(halves) || halves % 2 === 0) return up;
  const last = Number(up.toFixed(digits).at(-1));
  if (last % 2 === 0) return up;
  const down = up - Math.sign(x) * 10 ** -digits;
  return Number(down.toFixed(digits));
}

/** `str(x)` of a Python float: the shortest digits that read back, always with a point or an exponent. */
export function floatString(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (Object.is(x, -0)) return "-0.0";
  const size = Math.abs(x);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    const [mantissa, exponent] = x.toExponential().split("e");
    const power = Number(exponent);
    return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const digits = String(x);
  return Number.isInteger(x) ? `${digits}.0` : digits;
}

function intString(x: number): string {
  return Object.is(x, -0) ? "0" : BigInt(x).toString();
}

/**
 * `JSON.parse` that keeps whole floats: `61.0` comes out as a {@link Float}, `61` as a number, `61.5` as a number. For
 * conversations stored as JSON.
 * @throws SyntaxError as JSON.parse does.
 */
export function parseJson(text: string): unknown {
  const tag = unusedKey(text);
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
    const whole = !token.startsWith('"') && /[.eE]/.test(token) && Number.isInteger(Number(token));
    return whole ? `{"${tag}":${token}}` : token;
  });
  return JSON.parse(marked, (_, value: unknown) => {
    const isTagged = typeof value === "object" && value !== null && Object.hasOwn(value, tag);
    return isTagged ? new Float((value as Record<string, number>)[tag]!) : value;
  });
}

function unusedKey(text: string): string {
  let key = "float";
  while (text.includes(key)) key += "_";
  return key;
}
