import { fail, SafetensorsError, type Where } from "./error.js";

/**
 * Bytes that can be read from anywhere: what a file, a Blob, an HTTP server and memory have in common, and all that a
 * reader needs. Give your own to `open` to read from elsewhere.
 */
export interface ByteSource {
  /** For messages: a path, an address without its query, "memory". */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** The real path, if this is a local file. */
  readonly path?: string;
  /** Bytes `begin` to `end` (half-open, within `size`), in memory that from now on belongs to the caller. */
  read(begin: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** `source.read`, held to what it promises: no call for nothing, exactly the bytes that were asked for. */
export async function readExactly(
  source: ByteSource,
  begin: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  if (begin === end) return new Uint8Array(0);
  const bytes = await source.read(begin, end, signal);
  signal?.throwIfAborted();
  if (bytes.byteLength !== end - begin) {
    const wrong = `bytes ${begin} to ${end} came back as ${bytes.byteLength} bytes`;
    fail("truncated", { file: source.name }, wrong, `${end - begin}`);
  }
  return bytes;
}

/** Bytes in memory. Reads are copies, so that what a caller does to them cannot change the source. */
export function memorySource(bytes: Uint8Array, name = "memory"): ByteSource {
  // Not `slice`, which is no copy where the bytes are a Buffer of Node.
  return { name, size: bytes.byteLength, read: async (begin, end) => new Uint8Array(bytes.subarray(begin, end)) };
}

/** A Blob or a File: its bytes stay where they are until they are read. */
export function blobSource(blob: Blob, name = "blob"): ByteSource {
  return {
    name,
    size: blob.size,
    async read(begin, end) {
      try {
        return new Uint8Array(await blob.slice(begin, end).arrayBuffer());
      } catch (cause) {
        return fail("io", { file: name }, `bytes ${begin} to ${end} cannot be read`, "an unchanged Blob", cause);
      }
    },
  };
}

/** Memory for `bytes` bytes that are known to exist in the file; a lack of it is `too-large`, not a RangeError. */
export function allocate(bytes: number, where: Where): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    return fail("too-large", where, `${bytes} bytes do not fit in memory`, "fewer at a time (read in rows)", cause);
  }
}

/** `undefined` where the thing is not there, every other failure as it is. */
export async function orAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof SafetensorsError && error.code === "not-found") return undefined;
    throw error;
  }
}
