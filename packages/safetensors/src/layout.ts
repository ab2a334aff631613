import { byteLength, checkDType, MAX_DIMS, STORED_DTYPES, type StoredDType } from "./dtype.js";
import { fail, type Where } from "./error.js";
import { LENGTH_BYTES, MAX_HEADER_BYTES, MAX_TENSORS } from "./header.js";

/** What a header says of a tensor. */
export interface TensorSpec {
  /** Any well-formed text but `__metadata__`. */
  readonly name: string;
  readonly dtype: StoredDType;
  /** [] for a scalar; a size of 0 is allowed. */
  readonly shape: readonly number[];
}

/** Free text about the whole file. */
export type Metadata = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

/** A file before its data: the bytes of length and header, and the tensors in the order in which their data follow. */
export interface Layout<T extends TensorSpec> {
  readonly header: Uint8Array;
  readonly order: readonly { readonly tensor: T; readonly bytes: number }[];
  /** Size of the whole file. */
  readonly fileBytes: number;
}

const DTYPE_ORDER = new Map(STORED_DTYPES.map((dtype, index) => [dtype, index]));
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Lays out a file as the reference implementation does, byte for byte: by descending alignment of the dtype, then by
 * name in the order of its UTF-8 bytes, the header padded with spaces so that the data start at a multiple of 8.
 *
 * Throws `duplicate-name`, `bad-name`, `unknown-dtype`, `bad-shape`, `overflow`, `bad-metadata`, `too-many`,
 * `header-too-large`.
 */
export function layOut<T extends TensorSpec>(tensors: readonly T[], metadata: Metadata = {}, file?: string): Layout<T> {
  if (tensors.length > MAX_TENSORS) {
    fail("too-many", { file }, `${tensors.length} tensors`, `at most ${MAX_TENSORS} in a file`);
  }
  const order = checkTensors(tensors, file).sort((a, b) => compareTensors(a.tensor, b.tensor));
  const entries = metadataEntries(metadata, file);
  let offset = 0;
  for (const { tensor, bytes } of order) {
    const { dtype, shape } = tensor;
    entries.push(member(tensor.name, JSON.stringify({ dtype, shape, data_offsets: [offset, offset + bytes] })));
    offset += bytes;
  }
  if (!Number.isSafeInteger(offset))
    fail("overflow", { file }, "all tensors together overflow", "less than 2^53 bytes");
  const header = encodeHeader(`{${entries.join(",")}}`, file);
  return { header, order, fileBytes: header.byteLength + offset };
}

/** Checks a description that may come from untyped code, and gives the bytes that its data must have. */
export function checkTensor(tensor: TensorSpec, file?: string): number {
  const where: Where = { file, tensor: tensor.name };
  if (typeof tensor.name !== "string" || tensor.name === "__metadata__" || LONE_SURROGATE.test(tensor.name)) {
    fail("bad-name", where, "this cannot be a name", "well-formed text other than __metadata__");
  }
  const dtype = checkDType(tensor.dtype, where);
  if (tensor.shape.length > MAX_DIMS) {
    fail("too-many", where, `${tensor.shape.length} dimensions`, `at most ${MAX_DIMS}`);
  }
  for (const size of tensor.shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      fail("bad-shape", where, `a dimension is ${size}`, "an integer from 0 to 2^53 - 1");
    }
  }
  return byteLength(dtype, tensor.shape, where);
}

function checkTensors<T extends TensorSpec>(tensors: readonly T[], file: string | undefined) {
  const names = new Set<string>();
  return tensors.map((tensor) => {
    const bytes = checkTensor(tensor, file);
    if (names.has(tensor.name)) fail("duplicate-name", { file, tensor: tensor.name }, "it is given twice", "one each");
    names.add(tensor.name);
    return { tensor, bytes };
  });
}

function compareTensors(a: TensorSpec, b: TensorSpec): number {
  return DTYPE_ORDER.get(a.dtype)! - DTYPE_ORDER.get(b.dtype)! || compareText(a.name, b.name);
}

/** The order of UTF-8 bytes is the order of code points; `<` on strings is that of UTF-16, which parts above U+D7FF. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return pointOrder(a.charCodeAt(i)) - pointOrder(b.charCodeAt(i));
  }
  return a.length - b.length;
}

/** Lifts the halves of surrogate pairs over the rest, which is all that UTF-16 has in another order. */
function pointOrder(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function metadataEntries(metadata: Metadata, file: string | undefined): string[] {
  const pairs = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  if (pairs.length === 0) return [];
  for (const [key, value] of pairs as [unknown, unknown][]) {
    if (isText(key) && isText(value)) continue;
    fail("bad-metadata", { file }, `metadata ${JSON.stringify(String(key))} is not well-formed text`, "strings");
  }
  return [member("__metadata__", `{${pairs.map(([key, value]) => member(key, JSON.stringify(value))).join(",")}}`)];
}

function isText(value: unknown): boolean {
  return typeof value === "string" && !LONE_SURROGATE.test(value);
}

function member(key: string, json: string): string {
  return `${JSON.stringify(key)}:${json}`;
}

function encodeHeader(json: string, file: string | undefined): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.byteLength / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    fail("header-too-large", { file }, `the header would have ${length} bytes`, `at most ${MAX_HEADER_BYTES}`);
  }
  const header = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, LENGTH_BYTES);
  return header;
}
