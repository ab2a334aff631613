import { describe, expect, test } from "vitest";
import { FeedError } from "./graph/bind.js";
import { countOf, hostF32, hostI32, resultOnHost, toHost } from "./tensor.js";

test("numbers of the host have a type and a shape that they fill", () => {
  expect(hostF32([1, 2], [1, 2])).toEqual({ dtype: "f32", shape: [1, 2], data: Float32Array.of(1, 2) });
  expect(hostI32([3, 4])).toEqual({ dtype: "i32", shape: [2], data: Int32Array.of(3, 4) });
  const data = Float32Array.of(1, 2);
  expect(hostF32(data, [2]).data).toBe(data);
  const whole = Int32Array.of(1);
  expect(hostI32(whole, [1, 1]).data).toBe(whole);
  expect(() => hostF32([1, 2], [3])).toThrow(new FeedError("2 numbers do not fill the shape [3]"));
  expect(() => hostI32([1, 2], [])).toThrow("2 numbers do not fill the shape []");
  expect(countOf([])).toBe(1);
  expect(countOf([2, 0, 3])).toBe(0);
});

describe("a result on the host", () => {
  const tensor = resultOnHost(hostF32([1, 2, 3, 4, 5, 6], [2, 3]));
  test("is read, and reshaped to the same number of elements", async () => {
    expect([...(await tensor.read())]).toEqual([1, 2, 3, 4, 5, 6]);
    const other = tensor.reshape([3, 2]);
    expect([other.dtype, other.shape]).toEqual(["f32", [3, 2]]);
    expect([...(await other.read())]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(tensor.shape).toEqual([2, 3]);
    expect(() => tensor.reshape([4])).toThrow(new FeedError("[2 3] does not reshape to [4]"));
    tensor.dispose();
    tensor[Symbol.dispose]();
  });
});

describe("what is fed comes to the host", () => {
  test("as it is, or from a result", async () => {
    const host = hostI32([1, 2], [1, 2]);
    expect(await toHost(host)).toBe(host);
    expect(await toHost(resultOnHost(host))).toMatchObject(host);
  });
  test("a list joined along its first axis, of both kinds", async () => {
    const list = [hostF32([1, 2], [1, 2]), resultOnHost(hostF32([3, 4, 5, 6], [2, 2])), hostF32([], [0, 2])];
    expect(await toHost(list)).toEqual(hostF32([1, 2, 3, 4, 5, 6], [3, 2]));
    expect(await toHost([hostI32([1]), hostI32([2, 3])])).toEqual(hostI32([1, 2, 3]));
  });
  test.each([
    ["nothing", [], "an empty list feeds nothing"],
    ["two types", [hostF32([1], [1]), hostI32([1])], "the parts of a fed list differ in more than their first axis"],
    ["two widths", [hostF32([1], [1, 1]), hostF32([1, 2], [1, 2])], "differ in more than their first axis"],
    ["two ranks", [hostF32([1], [1]), hostF32([1], [1, 1])], "differ in more than their first axis"],
    [
      "numbers without an axis",
      [hostF32([1], []), hostF32([1], [])],
      "numbers without an axis cannot be joined in a list",
    ],
    [
      "a shape that is not filled",
      { dtype: "f32", shape: [2], data: new Float32Array(1) } as const,
      "1 numbers do not fill the shape [2]",
    ],
    [
      "whole numbers called floats",
      { dtype: "f32", shape: [1], data: new Int32Array(1) } as const,
      "f32 numbers came in a Int32Array",
    ],
    [
      "floats called whole",
      { dtype: "i32", shape: [1], data: new Float32Array(1) } as const,
      "i32 numbers came in a Float32Array",
    ],
  ])("%s is a FeedError", async (_, feed, says) => {
    await expect(toHost(feed)).rejects.toThrow(FeedError);
    await expect(toHost(feed)).rejects.toThrow(says);
  });
});
