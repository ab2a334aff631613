import { expect, test } from "vitest";
import { GrowingFloats } from "./growing.js";

const grown = (most: number) => {
  const floats = new GrowingFloats(most);
  floats.grow(3);
  floats.data.set([1, 2, 3]);
  const before = floats.data.buffer;
  floats.grow(5);
  return { floats, before };
};

test("numbers stay where they are while there is more room, and are given back at once", () => {
  const { floats, before } = grown(8);
  expect([...floats.data]).toEqual([1, 2, 3, 0, 0]);
  expect(floats.data.buffer).toBe(before);
  floats.free();
  expect(before.byteLength).toBe(0);
  expect(floats.data.length).toBe(0);
  floats.grow(1);
  expect([...floats.data]).toEqual([0]);
});

test("where no such address space is to be had, they move", () => {
  const { floats, before } = grown(2 ** 50);
  expect([...floats.data]).toEqual([1, 2, 3, 0, 0]);
  expect(floats.data.buffer).not.toBe(before);
  floats.free();
  expect(floats.data.length).toBe(0);
});
