import { describe, expect, test } from "vitest";
import {
  fromHalf,
  GROUP,
  pack,
  type Storage,
  scalesPerRow,
  storages,
  toBfloat,
  toHalf,
  unpack,
  wordsPerRow,
} from "./storage.js";

const float = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!;
/** Numbers of every size, subnormal ones, halves of steps, infinities and NaN among them. */
const everywhere = Array.from({ length: 1 << 16 }, (_, i) =>
  [0, 1, 0x7fff, 0x8000, 0x8001].map((low) => (i << 16) | low),
)
  .flat()
  .map((bits) => float(bits >>> 0));

/** The nearest of the numbers that a table has in order, ties to the even one. */
function nearest(table: readonly number[], x: number): number {
  const magnitude = Math.abs(x);
  let [low, high] = [0, table.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (table[middle]! <= magnitude) low = middle;
    else high = middle;
  }
  if (high === table.length) return low;
  const [down, up] = [magnitude - table[low]!, table[high]! - magnitude];
  return down < up || (down === up && low % 2 === 0) ? low : high;
}

test("a float16 is the nearest one", () => {
  // One more than the largest finite: 65536, where infinity stands.
  const table = Array.from({ length: 0x7c01 }, (_, half) => (half === 0x7c00 ? 65536 : fromHalf(half)));
  let wrong = 0;
  for (const x of everywhere) {
    const sign = Object.is(Math.sign(x), -0) || x < 0 ? 0x8000 : 0;
    if (Number.isNaN(x)) wrong += Number(!Number.isNaN(fromHalf(toHalf(x))));
    else wrong += Number(toHalf(x) !== (sign | nearest(table, Math.min(Math.abs(x), 70000))));
  }
  expect(wrong).toBe(0);
});

test("a bfloat16 is the nearest one", () => {
  const table = Array.from({ length: 0x7f81 }, (_, i) => (i === 0x7f80 ? 2 ** 128 : float(i << 16)));
  let wrong = 0;
  for (const x of everywhere) {
    const sign = Object.is(Math.sign(x), -0) || x < 0 ? 0x8000 : 0;
    if (Number.isNaN(x)) wrong += Number(!Number.isNaN(float(toBfloat(x) << 16)));
    else wrong += Number(toBfloat(x) !== (sign | nearest(table, Math.min(Math.abs(x), 2 ** 129))));
  }
  expect(wrong).toBe(0);
});

describe.each(storages)("%s", (storage) => {
  const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7) * 2 ** (i % 5));
  test.each([
    [1, 1],
    [3, 7],
    [2, 32],
    [3, 33],
    [2, 95],
    [0, 5],
    [2, 0],
  ])("%d rows of %d, within half a step", (rows, width) => {
    const data = numbers(rows * width);
    const packed = pack(storage, data, rows, width);
    expect(packed.words.length).toBe(rows * wordsPerRow(storage, width));
    expect(packed.scales.length).toBe(rows * scalesPerRow(storage, width));
    const back = unpack(storage, packed, rows, width);
    for (const [i, x] of data.entries())
      expect(Math.abs(back[i]! - x)).toBeLessThanOrEqual(step(storage, data, width, i));
    // What stands behind a row is a weight of zero.
    const groups = scalesPerRow(storage, width);
    const full = unpack(storage, packed, rows, groups > 0 ? groups * GROUP : width);
    if (groups > 0) for (const [i, x] of full.entries()) if (i % (groups * GROUP) >= width) expect(x).toBe(0);
    expect(pack(storage, [...data], rows, width)).toEqual(packed);
  });
});

/** Half of the distance between two numbers that a storage holds there. */
function step(storage: Storage, data: Float32Array, width: number, i: number): number {
  const x = Math.abs(data[i]!);
  if (storage === "f32") return 0;
  if (storage === "bf16") return x / 256;
  if (storage === "f16") return x / 2048;
  const row = i - (i % width);
  const from = row + Math.floor((i - row) / GROUP) * GROUP;
  const group = data.subarray(from, Math.min(from + GROUP, row + width));
  return (Math.max(...group.map(Math.abs)) / (storage === "i8" ? 127 : 7)) * 0.5000001;
}

test("a group of zeros, and one with what is not finite", () => {
  for (const storage of ["i8", "i4"] as const) {
    expect([...unpack(storage, pack(storage, new Float32Array(40), 1, 40), 1, 40)]).toEqual(Array(40).fill(0));
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const spoilt = unpack(storage, pack(storage, Float32Array.of(1, x, ...Array(31).fill(1)), 1, 33), 1, 33);
      expect([...spoilt]).toEqual([...Array(32).fill(Number.NaN), 1]);
    }
  }
});
