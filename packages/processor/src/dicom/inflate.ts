import { ProcessorError } from "../errors.js";
import { inNode } from "../platform.js";

export interface Inflated {
  readonly bytes: Uint8Array;
  /** The stream was read to its end; else the bytes are its first ones. */
  readonly whole: boolean;
}

/**
 * The first `most` bytes of what a deflate stream (no zlib or gzip header) unpacks to. Nothing beyond that is held.
 * Runs on Node's zlib, or on the browser's `DecompressionStream`. Source: RFC 1951.
 * @throws ProcessorError `dicom-corrupt` where the stream is cut or broken.
 */
export async function inflate(packed: Uint8Array, most: number): Promise<Inflated> {
  if (inNode()) return collect(await nodeStream(packed), most);
  try {
    return await collect(browserStream(packed), most);
  } catch (error) {
    // An odd stream is padded with a zero, PS3.5 A.5, which a browser takes for junk behind the end.
    if (packed.at(-1) !== 0) throw error;
    return collect(browserStream(packed.subarray(0, -1)), most);
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>, most: number): Promise<Inflated> {
  const parts: Uint8Array[] = [];
  let length = 0;
  let whole = true;
  try {
    for await (const chunk of chunks) {
      whole = length + chunk.length <= most;
      parts.push(chunk.subarray(0, most - length));
      length = Math.min(most, length + chunk.length);
      if (!whole) break;
    }
  } catch (cause) {
    throw new ProcessorError("dicom-corrupt", "the deflated data set is cut or broken", { cause });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, whole };
}

async function nodeStream(packed: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
  // Under a name that bundlers cannot follow: in a page nothing asks for it.
  const name = "zlib";
  const { createInflateRaw }: typeof import("node:zlib") = await import(
    /* webpackIgnore: true */ /* @vite-ignore */ `node:${name}`
  );
  const stream = createInflateRaw({ chunkSize: 1 << 16 });
  stream.end(packed);
  return stream as AsyncIterable<Uint8Array>;
}

async function* browserStream(packed: Uint8Array): AsyncGenerator<Uint8Array> {
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
  } finally {
    // What is broken is not cancelled any more.
    await reader.cancel().catch(() => {});
  }
}
