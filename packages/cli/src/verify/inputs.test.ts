import { open, serialize } from "@hulu/safetensors";
import { expect, test } from "vitest";
import { integers } from "./inputs.js";
import { grey } from "./json-nifti.js";

const read = async (dtype: "I64" | "F32" | "F64" | "U8" | "BOOL", bytes: Uint8Array, length: number) => [
  ...(await integers(await open(serialize([{ name: "x", dtype, shape: [length], data: bytes }])), "x")),
];
const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer);

test("whole numbers are read without loss, whatever they are stored as", async () => {
  const wide = [0n, -100n, 2n ** 32n + 5n, -(2n ** 53n) + 1n];
  expect(await read("I64", bytesOf(BigInt64Array.from(wide)), 4)).toEqual(wide.map(Number));
  expect(await read("F32", bytesOf(Float32Array.of(3, -7)), 2)).toEqual([3, -7]);
  expect(await read("F64", bytesOf(Float64Array.of(2 ** 32 + 1)), 1)).toEqual([2 ** 32 + 1]);
  expect(await read("U8", Uint8Array.of(0, 255), 2)).toEqual([0, 255]);
  expect(await read("BOOL", Uint8Array.of(0, 1), 2)).toEqual([0, 1]);
});

test("what is not whole, or too large to be told from its neighbours, is refused", async () => {
  await expect(read("F32", bytesOf(Float32Array.of(3, 1.5)), 2)).rejects.toThrow("element 1 of x is 1.5");
  await expect(read("F64", bytesOf(Float64Array.of(1.4)), 1)).rejects.toThrow("element 0 of x is 1.4");
  await expect(read("F32", bytesOf(Float32Array.of(Number.NaN)), 1)).rejects.toThrow("is NaN");
  await expect(read("I64", bytesOf(BigInt64Array.of(2n ** 53n)), 1)).rejects.toThrow("is 9007199254740992;");
});

test("a colour in a grey picture is a number that no byte is, in whichever channel", () => {
  expect(grey({ data: Uint8Array.of(5, 5, 5, 5, 5, 6, 5, 6, 5, 6, 5, 5), width: 4, height: 1 })).toEqual([
    5, -1, -1, -1,
  ]);
});
