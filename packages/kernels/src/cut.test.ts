import { expect, test } from "vitest";
import { pieces } from "./cut.js";
import { defaultLimits } from "./kernel.js";
import { KernelError } from "./layout.js";

const binding = (bytes: number) => ({ ...defaultLimits, maxStorageBufferBindingSize: bytes });

test("what a binding holds is one piece", () => {
  expect(pieces(0, binding(1024))).toEqual([[0, 0]]);
  expect(pieces(256, binding(1024))).toEqual([[0, 256]]);
  expect(pieces(4, binding(1024), 64, 1)).toEqual([[0, 4]]);
});

test("pieces begin where every buffer may be bound, and the widest fits", () => {
  expect(pieces(300, binding(1100))).toEqual([
    [0, 256],
    [256, 300],
  ]);
  // Rows of 256 bytes may be cut anywhere, of 384 bytes at even rows, of 4 bytes at each 64th.
  expect(pieces(5, binding(512), 64)).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
  ]);
  expect(pieces(5, binding(3 * 384), 96)).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
  ]);
  expect(pieces(130, binding(70 * 256), 64, 1)).toEqual([
    [0, 64],
    [64, 128],
    [128, 130],
  ]);
});

test("rows that are too long to be cut are refused by name", () => {
  expect(() => pieces(5, binding(512), 96)).toThrow(KernelError);
  expect(() => pieces(5, binding(512), 96)).toThrow(
    "rows of 384 bytes are cut by 2, and a binding of 512 bytes holds 1",
  );
});
