import { fail, quote, type Where } from "./error.js";

/** How numbers are stored in a file: the names that the safetensors format gives them. */
export type StoredDType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "F8_E4M3"
  | "F8_E5M2"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

/**
 * Bytes of one element, and with its order the order in which tensors are written: the reference implementation sorts
 * by descending alignment, so that every tensor of an aligned file is aligned, and breaks ties in this very order.
 */
const BYTES: Readonly<Record<StoredDType, number>> = Object.freeze({
  U64: 8,
  I64: 8,
  F64: 8,
  F32: 4,
  U32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  U16: 2,
  I16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
});

/** Every dtype of the format that this package knows, in the order in which tensors are written. */
export const STORED_DTYPES = Object.freeze(Object.keys(BYTES)) as readonly StoredDType[];

/** Most dimensions of a tensor: what PyTorch and NumPy can hold. */
export const MAX_DIMS = 64;

/** Bytes that one element takes in a file. */
export function bytesPerElement(dtype: StoredDType): number {
  return BYTES[dtype];
}

/** Whether a string from outside names a dtype. */
export function isStoredDType(name: string): name is StoredDType {
  return Object.hasOwn(BYTES, name);
}

/** Passes a dtype from outside, or throws `unknown-dtype`. */
export function checkDType(name: string, where: Where): StoredDType {
  if (isStoredDType(name)) return name;
  return fail("unknown-dtype", where, `dtype ${quote(name)} is not known`, `one of ${STORED_DTYPES.join(", ")}`);
}

/**
 * Bytes of a tensor whose dimensions are safe integers of 0 and more. Throws `overflow` where a product leaves the
 * safe integers: the multiplication runs left to right, as in the reference implementation, so a later 0 is no excuse.
 */
export function byteLength(dtype: StoredDType, shape: readonly number[], where: Where): number {
  let bytes = BYTES[dtype];
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) {
      fail("overflow", where, `${dtype} [${shape.join(", ")}] overflows`, "a size below 2^53 bytes");
    }
  }
  return bytes;
}
