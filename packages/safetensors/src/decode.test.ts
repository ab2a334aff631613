import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf } from "../test/fixtures.js";
import { bytesPerElement, STORED_DTYPES, type StoredDType, toFloat32, toTypedArray } from "./index.js";

/** Value of a small float by the definition: slow, and with nothing in common with the code under test. */
function slowValue(bits: number, exponentBits: number, fractionBits: number, finiteOnly: boolean): number {
  const text = bits.toString(2).padStart(1 + exponentBits + fractionBits, "0");
  const sign = text[0] === "1" ? -1 : 1;
  const exponent = Number.parseInt(text.slice(1, 1 + exponentBits), 2);
  const fraction = Number.parseInt(text.slice(1 + exponentBits), 2) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const ones = !/0/.test(text.slice(1, 1 + exponentBits));
  if (finiteOnly && !/0/.test(text.slice(1))) return Number.NaN;
  if (!finiteOnly && ones) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** All patterns of a format of one or two bytes, in order. */
function allPatterns(bytes: 1 | 2): Uint8Array {
  if (bytes === 1) return Uint8Array.from({ length: 256 }, (_, bits) => bits);
  return new Uint8Array(Uint16Array.from({ length: 65536 }, (_, bits) => bits).buffer);
}

describe("small floats, every pattern against the definition", () => {
  it.each([
    ["F16", 2, 5, 10, false],
    ["BF16", 2, 8, 7, false],
    ["F8_E5M2", 1, 5, 2, false],
    ["F8_E4M3", 1, 4, 3, true],
  ] as const)("%s", (dtype, bytes, exponentBits, fractionBits, finiteOnly) => {
    const floats = toFloat32(dtype, allPatterns(bytes));
    expect(floats.length).toBe(256 ** bytes);
    const wrong = [...floats.keys()].filter(
      (bits) => !Object.is(floats[bits], slowValue(bits, exponentBits, fractionBits, finiteOnly)),
    );
    expect(wrong).toEqual([]);
    expect(toTypedArray(dtype, allPatterns(bytes))).toEqual(floats);
  });

  it("knows the landmarks that the formats are described by", () => {
    const e4m3 = toFloat32("F8_E4M3", Uint8Array.of(0x7e, 0x7f, 0xff, 0x01, 0x08, 0x80));
    expect([...e4m3]).toEqual([448, Number.NaN, Number.NaN, 2 ** -9, 2 ** -6, -0]);
    const e5m2 = toFloat32("F8_E5M2", Uint8Array.of(0x7b, 0x7c, 0xfc, 0x7d, 0x01));
    expect([...e5m2]).toEqual([57344, Infinity, -Infinity, Number.NaN, 2 ** -16]);
    expect([...toFloat32("F16", Uint8Array.of(0xff, 0x7b, 1, 0, 0, 0x3c))]).toEqual([65504, 2 ** -24, 1]);
    expect([...toFloat32("BF16", Uint8Array.of(0x80, 0x3f, 0x20, 0xc1))]).toEqual([1, -10]);
  });

  it("keeps the sign of a NaN and what it says", () => {
    const bits = new Uint32Array(toFloat32("F16", Uint8Array.of(0x01, 0x7c, 0x01, 0xfe)).buffer);
    expect([...bits]).toEqual([0x7f802000, 0xffc02000]);
  });
});

describe("other dtypes", () => {
  const write: Partial<Record<StoredDType, (view: DataView, value: number | bigint) => void>> = {
    F64: (view, value) => view.setFloat64(0, Number(value), true),
    F32: (view, value) => view.setFloat32(0, Number(value), true),
    I64: (view, value) => view.setBigInt64(0, BigInt(value), true),
    I32: (view, value) => view.setInt32(0, Number(value), true),
    I16: (view, value) => view.setInt16(0, Number(value), true),
    I8: (view, value) => view.setInt8(0, Number(value)),
    U64: (view, value) => view.setBigUint64(0, BigInt(value), true),
    U32: (view, value) => view.setUint32(0, Number(value), true),
    U16: (view, value) => view.setUint16(0, Number(value), true),
    U8: (view, value) => view.setUint8(0, Number(value)),
    BOOL: (view, value) => view.setUint8(0, Number(value)),
  };

  it.each([
    ["F64", [0.1, -1e300, Number.NaN, 2 ** -1074], Float64Array],
    ["F32", [Math.fround(0.1), -Infinity, 2 ** -149], Float32Array],
    ["I64", [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 16777217n], BigInt64Array],
    ["I32", [0, -1, 2 ** 31 - 1, -(2 ** 31), 16777217], Int32Array],
    ["I16", [0, -1, 32767, -32768], Int16Array],
    ["I8", [0, -1, 127, -128], Int8Array],
    ["U64", [0n, 2n ** 64n - 1n], BigUint64Array],
    ["U32", [0, 2 ** 32 - 1], Uint32Array],
    ["U16", [0, 65535], Uint16Array],
    ["U8", [0, 255], Uint8Array],
    ["BOOL", [0, 1], Uint8Array],
  ] as const)("%s", (dtype, values: readonly (number | bigint)[], Type) => {
    const size = bytesPerElement(dtype);
    const bytes = new Uint8Array(values.length * size);
    values.forEach((value, i) => {
      write[dtype]!(new DataView(bytes.buffer, i * size), value);
    });
    const array = toTypedArray(dtype, bytes);
    expect(array).toBeInstanceOf(Type);
    expect([...(array as Iterable<number | bigint>)]).toEqual(values);
    expect([...toFloat32(dtype, bytes)]).toEqual(values.map((value) => Math.fround(Number(value))));
  });

  it("takes any byte but 0 for true", () => {
    expect([...toFloat32("BOOL", Uint8Array.of(0, 1, 2, 255))]).toEqual([0, 1, 1, 1]);
  });
});

it("reads bytes that lie unaligned, and only those that it is given", () => {
  fc.assert(
    fc.property(fc.constantFrom(...STORED_DTYPES), fc.nat(9), fc.nat(5), fc.infiniteStream(fc.nat(255)), (...given) => {
      const [dtype, offset, count, stream] = given;
      const around = Uint8Array.from(stream.take(offset + count * 8 + 8));
      const bytes = around.subarray(offset, offset + count * bytesPerElement(dtype));
      expect(toTypedArray(dtype, bytes)).toEqual(toTypedArray(dtype, Uint8Array.from(bytes)));
      expect(toFloat32(dtype, bytes)).toEqual(toFloat32(dtype, Uint8Array.from(bytes)));
      expect(toFloat32(dtype, bytes).length).toBe(count);
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      expect(toTypedArray(dtype, buffer)).toEqual(toTypedArray(dtype, Uint8Array.from(bytes)));
    }),
  );
});

it("shares memory where the array can be a view, and never writes to it", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  expect(toTypedArray("F32", bytes).buffer).toBe(bytes.buffer);
  expect(toTypedArray("F32", bytes.subarray(4)).byteOffset).toBe(4);
  for (const dtype of STORED_DTYPES) toFloat32(dtype, bytes);
  expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

it("refuses parts of elements and unknown names", async () => {
  expect(await codeOf(() => toFloat32("F32", new Uint8Array(7)))).toBe("byte-length");
  expect(await codeOf(() => toTypedArray("I64", new Uint8Array(12)))).toBe("byte-length");
  for (const dtype of ["f32", "toString", "__proto__", "C64"]) {
    expect(await codeOf(() => toFloat32(dtype as StoredDType, new Uint8Array(8)))).toBe("unknown-dtype");
  }
});
