import { byteLength, checkDType, MAX_DIMS, type StoredDType } from "./dtype.js";
import { fail, quote, type Where } from "./error.js";
import { decodeUtf8, JsonCursor } from "./json.js";
import { type ByteSource, readExactly } from "./source.js";

/**
 * Longest header in bytes, a sixth of what the reference implementation takes: the bytes and their text are in memory
 * together, and {@link MAX_TENSORS} tensors of usual names do not need it.
 */
export const MAX_HEADER_BYTES = 16_000_000;
/** Most tensors of one file: several times what mixtures of experts have in one; each takes memory. */
export const MAX_TENSORS = 65_536;
/** Bytes of the header's length, an unsigned 64-bit integer, at the start of a file. */
export const LENGTH_BYTES = 8;

/** One tensor of a file; `begin` and `end` count bytes from `Header.dataStart`. */
export interface TensorEntry {
  readonly info: { readonly dtype: StoredDType; readonly shape: readonly number[] };
  readonly begin: number;
  readonly end: number;
}

/** A checked header: its tensors fill the rest of the file exactly. */
export interface Header {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Bytes before the first tensor. */
  readonly dataStart: number;
}

/** Reads and checks the header of a file, and no byte behind it. */
export async function readHeader(source: ByteSource, signal?: AbortSignal): Promise<Header> {
  const where = { file: source.name };
  if (source.size < LENGTH_BYTES) {
    fail("header-too-short", where, `the file has ${source.size} bytes`, "at least 8 for the length of the header");
  }
  const length = headerLength(await readExactly(source, 0, LENGTH_BYTES, signal), source.size, where);
  const dataStart = LENGTH_BYTES + length;
  return parseHeader(await readExactly(source, LENGTH_BYTES, dataStart, signal), source.size, source.name);
}

/**
 * The length in bytes of the JSON text, from the first 8 bytes of a file of `fileBytes`. A length above the cap is
 * refused before it is believed: `header-too-large`; 0 or past the end of the file is `header-length`.
 */
function headerLength(prefix: Uint8Array, fileBytes: number, where: Where): number {
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    const wrong = `the header would have ${length} bytes${textHint(prefix)}`;
    fail("header-too-large", where, wrong, `at most ${MAX_HEADER_BYTES}`);
  }
  if (length === 0n) fail("header-length", where, "the header has 0 bytes", 'at least "{}"');
  if (length > BigInt(fileBytes - LENGTH_BYTES)) {
    const wrong = `the header would have ${length} bytes, the file has ${fileBytes}`;
    fail("header-length", where, wrong, `at most ${fileBytes - LENGTH_BYTES} (is the file cut off?)`);
  }
  return Number(length);
}

/** A text file in the place of the weights has one of two usual reasons, and both look like a huge length. */
function textHint(prefix: Uint8Array): string {
  if (!prefix.every((byte) => byte >= 0x20 && byte < 0x7f)) return "";
  const text = String.fromCharCode(...prefix);
  return ` (the file starts with the text ${JSON.stringify(text)}: a Git LFS pointer or a web page?)`;
}

/**
 * Parses and checks a header (https://huggingface.co/docs/safetensors, "Format"): `json` is its text, `fileBytes` the
 * size of the whole file, `file` its name for messages. Throws a `SafetensorsError` and nothing else.
 */
function parseHeader(json: Uint8Array, fileBytes: number, file: string): Header {
  const where = { file };
  const text = decodeUtf8(json, where, "header-utf8");
  // The format demands the brace first; white space may only follow.
  if (text[0] !== "{") fail("header-json", where, "the header does not start with {", "a JSON object");
  const tensors = new Map<string, TensorEntry>();
  const metadata = new Map<string, string>();
  const cursor = new JsonCursor(text, where, "header-json");
  cursor.object("the header", (name) => {
    if (name === "__metadata__") return readMetadata(cursor, metadata);
    if (tensors.size >= MAX_TENSORS) fail("too-many", where, "the header has too many tensors", `${MAX_TENSORS}`);
    cursor.where = { file, tensor: name };
    tensors.set(name, readEntry(cursor));
    cursor.where = where;
  });
  cursor.end("the header");
  const dataStart = LENGTH_BYTES + json.byteLength;
  checkLayout(tensors, fileBytes - dataStart, file);
  return { tensors, metadata, dataStart };
}

function readMetadata(cursor: JsonCursor, metadata: Map<string, string>): void {
  cursor.object("__metadata__", (key) => {
    metadata.set(key, cursor.string(`__metadata__ ${quote(key)}`, "bad-metadata"));
  });
}

/** Reads `{"dtype": ..., "shape": [...], "data_offsets": [begin, end]}`, the three in any order and nothing else. */
function readEntry(cursor: JsonCursor): TensorEntry {
  const found: { dtype?: StoredDType; shape?: readonly number[]; offsets?: readonly [number, number] } = {};
  cursor.object("the tensor's entry", (field) => {
    if (field === "dtype") found.dtype = checkDType(cursor.string("dtype", "unknown-dtype"), cursor.where);
    else if (field === "shape") found.shape = readShape(cursor);
    else if (field === "data_offsets") found.offsets = readOffsets(cursor);
    else fail("header-field", cursor.where, `field ${quote(field)} is not known`, "dtype, shape and data_offsets");
  });
  const { dtype, shape, offsets } = found;
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    const missing = dtype === undefined ? "dtype" : shape === undefined ? "shape" : "data_offsets";
    return fail("header-field", cursor.where, `${missing} is missing`, "dtype, shape and data_offsets");
  }
  const [begin, end] = offsets;
  const bytes = byteLength(dtype, shape, cursor.where);
  if (end - begin !== bytes) {
    const wrong = `data_offsets [${begin}, ${end}] hold ${end - begin} bytes`;
    fail("size-mismatch", cursor.where, wrong, `${bytes} for ${dtype} [${shape.join(", ")}]`);
  }
  return { info: Object.freeze({ dtype, shape }), begin, end };
}

function readShape(cursor: JsonCursor): readonly number[] {
  const shape: number[] = [];
  cursor.array("shape", "bad-shape", (index) => {
    if (index >= MAX_DIMS) fail("too-many", cursor.where, "the shape has too many dimensions", `at most ${MAX_DIMS}`);
    shape.push(cursor.integer("a dimension", "bad-shape"));
  });
  return Object.freeze(shape);
}

function readOffsets(cursor: JsonCursor): readonly [number, number] {
  const offsets: number[] = [];
  cursor.array("data_offsets", "bad-offsets", (index) => {
    if (index >= 2) fail("bad-offsets", cursor.where, "data_offsets has more than 2 numbers", "[begin, end]");
    offsets.push(cursor.integer("an offset", "bad-offsets"));
  });
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) {
    return fail("bad-offsets", cursor.where, `data_offsets has ${offsets.length} numbers`, "[begin, end]");
  }
  if (begin > end) fail("bad-offsets", cursor.where, `data_offsets [${begin}, ${end}] run backwards`, "begin <= end");
  return [begin, end];
}

/** The format's last rule: in the order of their offsets, tensors follow each other gaplessly and end with the file. */
function checkLayout(tensors: ReadonlyMap<string, TensorEntry>, dataBytes: number, file: string): void {
  let reached = 0;
  const ordered = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [tensor, { begin, end }] of ordered) {
    const where = { file, tensor };
    if (begin > reached) fail("hole", where, `bytes ${reached} to ${begin} belong to no tensor`, `begin ${reached}`);
    if (begin < reached) fail("overlap", where, `begin ${begin} lies in another tensor`, `begin ${reached}`);
    if (end > dataBytes) {
      fail("truncated", where, `it ends at ${end}, the data at ${dataBytes}`, "a complete file (is it cut off?)");
    }
    reached = end;
  }
  if (reached < dataBytes) {
    const wrong = `${dataBytes - reached} bytes follow the last tensor`;
    fail("trailing-bytes", { file }, wrong, "the last tensor to end with the file");
  }
}
