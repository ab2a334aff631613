import { type Append, commitOne, stage, syncFolder } from "./atomic.js";
import { fail } from "./error.js";
import { type Layout, layOut, type Metadata, type TensorSpec } from "./layout.js";
import { node } from "./node.js";
import { bytesOf } from "./serialize.js";

/** Data of a tensor, whole or in chunks cut anywhere, even inside an element. */
export type TensorChunks = ArrayBufferView | Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;

/**
 * A tensor to be written: little-endian, row-major, as the dtype stores it. Where `data` is a function it is called
 * once, when this tensor's turn comes, so that no more than one need be in memory.
 */
export interface TensorInput extends TensorSpec {
  readonly data: ArrayBufferView | (() => TensorChunks | Promise<TensorChunks>);
}

/** Names, dtypes and shapes of all tensors are needed for the header, before any data. */
export type TensorInputs = Iterable<TensorInput> | AsyncIterable<TensorInput>;

export interface WriteOptions {
  readonly metadata?: Metadata;
  readonly signal?: AbortSignal;
}

/**
 * Writes one safetensors file. It is written beside its place and renamed, so that `path` holds the old file or the
 * new one and never a part; where anything fails or is aborted, what was written is removed.
 *
 * Throws what laying it out throws, `byte-length` where data do not have the bytes that dtype and shape need,
 * `not-found` and `io`; what `data` throws passes as it is.
 */
export async function write(path: string, tensors: TensorInputs, options: WriteOptions = {}): Promise<void> {
  const { metadata, signal } = options;
  const layout = layOut(await collect(tensors, signal), metadata, path);
  await commitOne(await stage(path, (append) => writeLayout(append, layout, path, signal), signal));
  const { path: paths } = await node();
  await syncFolder(paths.dirname(path));
}

/** The descriptions of all tensors; their data stay where they are. */
export async function collect(tensors: TensorInputs, signal?: AbortSignal): Promise<TensorInput[]> {
  const list: TensorInput[] = [];
  for await (const tensor of tensors) {
    signal?.throwIfAborted();
    list.push(tensor);
  }
  return list;
}

/** Writes header and data in their order. */
export async function writeLayout(
  append: Append,
  layout: Layout<TensorInput>,
  file: string,
  signal?: AbortSignal,
): Promise<void> {
  await append(layout.header);
  for (const { tensor, bytes } of layout.order) {
    let written = 0;
    const where = { file, tensor: tensor.name };
    for await (const chunk of chunksOf(tensor.data, signal)) {
      written += chunk.byteLength;
      if (written > bytes) fail("byte-length", where, `at least ${written} bytes of data`, `${bytes}`);
      await append(bytesOf(chunk));
    }
    if (written < bytes) fail("byte-length", where, `${written} bytes of data`, `${bytes}`);
  }
}

async function* chunksOf(data: TensorInput["data"], signal: AbortSignal | undefined): AsyncGenerator<ArrayBufferView> {
  signal?.throwIfAborted();
  const chunks = typeof data === "function" ? await unlessAborted(data(), signal) : data;
  // First, because a typed array is also an iterable: of its numbers.
  if (ArrayBuffer.isView(chunks)) return yield chunks;
  const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let finished = false;
  try {
    while (!finished) {
      const next = await unlessAborted(iterator.next(), signal);
      finished = next.done === true;
      if (!finished) yield next.value;
    }
  } finally {
    // Not awaited: a generator that hangs would hang here as well.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** A promise that gives up when the signal says so: data may come from somewhere that never answers. */
async function unlessAborted<T>(promise: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
