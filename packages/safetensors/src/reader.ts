import { toFloat32 } from "./decode.js";
import type { StoredDType } from "./dtype.js";
import { fail } from "./error.js";
import { type Header, readHeader, type TensorEntry } from "./header.js";
import { type ByteSource, readExactly } from "./source.js";

/** What of a tensor is read, and how long. */
export interface ReadOptions {
  /** Half-open range along the first axis; without it, the whole tensor. */
  readonly rows?: readonly [number, number];
  readonly signal?: AbortSignal;
}

/** Where the bytes of a tensor lie in a local file: a real path, and bytes from the start of the file. */
export interface Location {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** What can be asked of stored tensors, one file or many. It is the `WeightSource` of @hulu/core and a little more. */
export interface TensorSource {
  /** Text that the writer left about the whole: `format`, for example. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The names of the tensors, in the order of the header. */
  keys(): Iterable<string>;
  /** `undefined` if there is no such tensor. `shape` is [] for a scalar. */
  info(path: string): { readonly dtype: StoredDType; readonly shape: readonly number[] } | undefined;
  /** Raw little-endian bytes, row-major, in memory of their own. Throws `unknown-tensor`, `bad-rows`, and what reading throws. */
  read(path: string, options?: ReadOptions): Promise<Uint8Array>;
  /** The numbers, as `toFloat32` decodes them. Throws what `read` throws. */
  floats(path: string, options?: ReadOptions): Promise<Float32Array>;
  /** `undefined` if there is no such tensor or it is not in a local file. */
  locate(path: string): Location | undefined;
  /** Later reads throw `closed`. There is nothing else to let go: no descriptor is held between two reads. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Reads one file: the header now, tensors when they are asked for. */
export async function readFrom(source: ByteSource, signal?: AbortSignal): Promise<TensorSource> {
  return new SafetensorsFile(source, await readHeader(source, signal));
}

class SafetensorsFile implements TensorSource {
  readonly #source: ByteSource;
  readonly #header: Header;
  #closed = false;

  constructor(source: ByteSource, header: Header) {
    this.#source = source;
    this.#header = header;
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.#header.metadata;
  }

  keys(): Iterable<string> {
    return this.#header.tensors.keys();
  }

  info(path: string): TensorEntry["info"] | undefined {
    return this.#header.tensors.get(path)?.info;
  }

  async read(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
    return (await this.#load(path, options)).bytes;
  }

  async floats(path: string, options: ReadOptions = {}): Promise<Float32Array> {
    const { dtype, bytes } = await this.#load(path, options);
    return toFloat32(dtype, bytes);
  }

  locate(path: string): Location | undefined {
    const entry = this.#header.tensors.get(path);
    const file = this.#source.path;
    if (entry === undefined || file === undefined) return undefined;
    return { file, offset: this.#header.dataStart + entry.begin, length: entry.end - entry.begin };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #load(path: string, { rows, signal }: ReadOptions) {
    const where = { file: this.#source.name, tensor: path };
    if (this.#closed) fail("closed", where, "the file was closed", "to read before close()");
    const entry = this.#header.tensors.get(path);
    if (entry === undefined) return fail("unknown-tensor", where, "there is no such tensor", "a name from keys()");
    const [begin, end] = byteRange(entry, rows, this.#source.name, path);
    const start = this.#header.dataStart;
    return { dtype: entry.info.dtype, bytes: await readExactly(this.#source, start + begin, start + end, signal) };
  }
}

/** Bytes of a range of rows, from the start of the data. */
function byteRange(entry: TensorEntry, rows: ReadOptions["rows"], file: string, tensor: string): [number, number] {
  if (rows === undefined) return [entry.begin, entry.end];
  const [first, last] = rows;
  const [count] = entry.info.shape;
  const where = { file, tensor };
  if (count === undefined) return fail("bad-rows", where, "a scalar has no rows", "to read it whole");
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || first > last || last > count) {
    fail("bad-rows", where, `rows [${first}, ${last}]`, `integers, 0 <= begin <= end <= ${count}`);
  }
  const rowBytes = count === 0 ? 0 : (entry.end - entry.begin) / count;
  return [entry.begin + first * rowBytes, entry.begin + last * rowBytes];
}
