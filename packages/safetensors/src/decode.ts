import { bytesPerElement, checkDType, type StoredDType } from "./dtype.js";
import { fail } from "./error.js";
import { allocate } from "./source.js";

/** The array that JavaScript has for each dtype; the three small float formats have none and are widened. */
export interface TypedArrays {
  F64: Float64Array;
  F32: Float32Array;
  F16: Float32Array;
  BF16: Float32Array;
  F8_E4M3: Float32Array;
  F8_E5M2: Float32Array;
  I64: BigInt64Array;
  I32: Int32Array;
  I16: Int16Array;
  I8: Int8Array;
  U64: BigUint64Array;
  U32: Uint32Array;
  U16: Uint16Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

/**
 * Stored little-endian bytes as numbers in float32, one per element.
 *
 * F32, F16, BF16, F8, the 8- and 16-bit integers and BOOL (0 or 1; any byte but 0 is 1) are exact. F64, I32 and U32
 * are rounded once to the nearest float32. I64 and U64 are rounded to float64 and then to float32: exact up to 2^24,
 * and beyond that within 2^-23 of their size. NaN stays NaN, infinities stay.
 *
 * F32 that lies aligned is a view on `bytes`, all else a copy. Throws `byte-length` unless whole elements are given.
 */
export function toFloat32(dtype: StoredDType, bytes: Uint8Array): Float32Array {
  switch (dtype) {
    case "BOOL":
      return floatsOf(view("BOOL", bytes, Uint8Array), (byte) => (byte === 0 ? 0 : 1));
    case "I64":
      return floatsOf(view("I64", bytes, BigInt64Array), Number);
    case "U64":
      return floatsOf(view("U64", bytes, BigUint64Array), Number);
    default: {
      const array = toTypedArray(dtype, bytes);
      return array instanceof Float32Array ? array : floatsOf(array, (value) => value);
    }
  }
}

/**
 * Stored little-endian bytes as the typed array that fits: BigInt64Array for I64, Uint8Array for BOOL, Float32Array
 * for the small float formats, and so on.
 *
 * Shares memory with `bytes` where a view can (aligned, and not widened), else it is a copy. Throws `byte-length`
 * unless whole elements are given, `unknown-dtype` for a name that is none.
 */
export function toTypedArray<D extends StoredDType>(dtype: D, bytes: Uint8Array): TypedArrays[D] {
  return DECODERS[checkDType(dtype, {}) as D](bytes);
}

const DECODERS: { readonly [D in StoredDType]: (bytes: Uint8Array) => TypedArrays[D] } = {
  F64: (bytes) => view("F64", bytes, Float64Array),
  F32: (bytes) => view("F32", bytes, Float32Array),
  F16: (bytes) => widenF16(view("F16", bytes, Uint16Array)),
  BF16: (bytes) => widenBF16(view("BF16", bytes, Uint16Array)),
  F8_E4M3: (bytes) => widenF8(view("F8_E4M3", bytes, Uint8Array), E4M3),
  F8_E5M2: (bytes) => widenF8(view("F8_E5M2", bytes, Uint8Array), E5M2),
  I64: (bytes) => view("I64", bytes, BigInt64Array),
  I32: (bytes) => view("I32", bytes, Int32Array),
  I16: (bytes) => view("I16", bytes, Int16Array),
  I8: (bytes) => view("I8", bytes, Int8Array),
  U64: (bytes) => view("U64", bytes, BigUint64Array),
  U32: (bytes) => view("U32", bytes, Uint32Array),
  U16: (bytes) => view("U16", bytes, Uint16Array),
  U8: (bytes) => view("U8", bytes, Uint8Array),
  BOOL: (bytes) => view("BOOL", bytes, Uint8Array),
};

/** Typed arrays read in the order of the host, and every host of Node 20 and of WebGPU is little-endian. */
function view<T>(
  dtype: StoredDType,
  bytes: Uint8Array,
  Type: new (buffer: ArrayBufferLike, begin: number, length: number) => T,
): T {
  const size = bytesPerElement(dtype);
  if (bytes.byteLength % size !== 0) {
    fail("byte-length", {}, `${bytes.byteLength} bytes are no whole number of ${dtype}`, `a multiple of ${size}`);
  }
  // Not `slice`, which is no copy where the bytes are a Buffer of Node.
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Type(buffer, byteOffset, bytes.byteLength / size);
}

function floatsOf<T>(values: ArrayLike<T>, convert: (value: T) => number): Float32Array {
  const floats = new Float32Array(allocate(values.length * 4, {}).buffer);
  for (let i = 0; i < floats.length; i++) floats[i] = convert(values[i]!);
  return floats;
}

// Small floats are widened through the integers, so that every NaN survives. Each has a loop of its own: checkpoints
// are mostly such numbers, and one loop for all, called with a function, took 1.4 to 1.7 times as long.

function widenF16(values: Uint16Array): Float32Array {
  const { buffer } = allocate(values.length * 4, {});
  const patterns = new Uint32Array(buffer);
  for (let i = 0; i < patterns.length; i++) patterns[i] = float16Bits(values[i]!);
  return new Float32Array(buffer);
}

/** BF16 is the upper half of a float32. */
function widenBF16(values: Uint16Array): Float32Array {
  const { buffer } = allocate(values.length * 4, {});
  const patterns = new Uint32Array(buffer);
  for (let i = 0; i < patterns.length; i++) patterns[i] = values[i]! << 16;
  return new Float32Array(buffer);
}

/** `table`: the float32 pattern of each of the 256 stored ones. */
function widenF8(values: Uint8Array, table: Uint32Array): Float32Array {
  const { buffer } = allocate(values.length * 4, {});
  const patterns = new Uint32Array(buffer);
  for (let i = 0; i < patterns.length; i++) patterns[i] = table[values[i]!]!;
  return new Float32Array(buffer);
}

/** IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) to binary32. */
function float16Bits(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent === 0) return sign | smallBits(fraction, -24);
  return sign | ((exponent + 112) << 23) | (fraction << 13);
}

/**
 * F8_E4M3 (1 sign, 4 exponent, 3 fraction bits, bias 7) to binary32: the format of Micikevicius et al., "FP8 Formats
 * for Deep Learning" (arXiv:2209.05433), which has no infinities and one NaN per sign, S.1111.111; its largest is 448.
 */
function float8e4m3Bits(bits: number): number {
  const sign = (bits & 0x80) << 24;
  const exponent = (bits >> 3) & 0xf;
  const fraction = bits & 7;
  if (exponent === 0xf && fraction === 7) return sign | 0x7fc00000;
  if (exponent === 0) return sign | smallBits(fraction, -9);
  return sign | ((exponent + 120) << 23) | (fraction << 20);
}

/** The binary32 pattern of `integer * 2^power`, for the subnormals of a smaller format, which are normal here. */
function smallBits(integer: number, power: number): number {
  if (integer === 0) return 0;
  const top = 31 - Math.clz32(integer);
  return ((top + power + 127) << 23) | ((integer << (23 - top)) & 0x7fffff);
}

const E4M3 = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, bits) => float8e4m3Bits(bits));
/** E5M2 is the upper byte of a float16. */
const E5M2 = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, bits) => float16Bits(bits << 8));
