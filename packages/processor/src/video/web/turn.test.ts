import { expect, test } from "vitest";
import { turned } from "./turn.js";

/** 1 2 3 over 4 5 6. */
const image = [1, 2, 3, 4, 5, 6].flatMap((v) => [v, v, v]);
const rows = (degrees: 0 | 90 | 180 | 270) => {
  const { data, width, height } = turned({ data: Uint8Array.from(image), width: 3, height: 2 }, degrees);
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => data[(y * width + x) * 3]));
};

test("a picture is turned clockwise", () => {
  expect(rows(0)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(rows(90)).toEqual([
    [4, 1],
    [5, 2],
    [6, 3],
  ]);
  expect(rows(180)).toEqual([
    [6, 5, 4],
    [3, 2, 1],
  ]);
  expect(rows(270)).toEqual([
    [3, 6],
    [2, 5],
    [1, 4],
  ]);
});
