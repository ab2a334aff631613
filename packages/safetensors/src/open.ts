import { fail } from "./error.js";
import { readFrom, type TensorSource } from "./reader.js";
import { type ByteSource, blobSource, memorySource } from "./source.js";
import { fileSource } from "./source-file.js";
import { type HttpOptions, httpSource } from "./source-http.js";

/** What `open` reads: a path, an http(s) or file address, a Blob, bytes in memory, or anything with a `read`. */
export type Source = string | URL | Blob | Uint8Array | ArrayBuffer | ByteSource;

/** `fetch` and `headers` are for addresses; `signal` ends the opening, not later reads, which have their own. */
export type OpenOptions = HttpOptions;

/**
 * Opens one safetensors file. Its header is read and checked now; the bytes of a tensor are read when it is asked for.
 * A string is an address if it starts with http:// or https://, else a path.
 *
 * Throws `SafetensorsError`: the codes of the header, and those of getting at bytes.
 */
export async function open(source: Source, options: OpenOptions = {}): Promise<TensorSource> {
  options.signal?.throwIfAborted();
  return readFrom(await byteSource(source, options), options.signal);
}

/** The bytes behind whatever `open` takes. */
async function byteSource(source: Source, options: OpenOptions): Promise<ByteSource> {
  const url = webAddress(source);
  if (url !== undefined) return httpSource(url, options);
  if (typeof source === "string") return fileSource(source);
  if (source instanceof URL) return fileSource(filePath(source));
  if (source instanceof Uint8Array) return memorySource(source);
  if (source instanceof ArrayBuffer) return memorySource(new Uint8Array(source));
  if (source instanceof Blob) return blobSource(source, "name" in source ? String(source.name) : "blob");
  if (typeof source?.read === "function" && Number.isSafeInteger(source.size) && source.size >= 0) return source;
  return fail("bad-source", {}, `a source of type ${typeof source}`, "a path, URL, Blob, Uint8Array or ByteSource");
}

/** The http(s) address that a source is, if it is one. */
export function webAddress(source: unknown): URL | undefined {
  if (source instanceof URL) return /^https?:$/.test(source.protocol) ? source : undefined;
  if (typeof source !== "string" || !/^https?:\/\//i.test(source)) return undefined;
  try {
    return new URL(source);
  } catch (cause) {
    return fail("bad-source", {}, "the address cannot be parsed", "https://host/path", cause);
  }
}

/** The path of a file: address, without the help of Node's url module, which browsers lack. */
export function filePath(url: URL): string {
  if (url.protocol !== "file:") fail("bad-source", {}, `an address of ${url.protocol}`, "http:, https: or file:");
  const path = decodeURIComponent(url.pathname);
  // file:///C:/x has the path /C:/x.
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}
