import { ProcessorError, type ProcessorErrorCode } from "../errors.js";
import { nodeZlib } from "../input/node.js";
import { joined } from "../joined.js";
import { inNode } from "../platform.js";

/** Told a piece of the content, says whether more is wanted. The piece's memory is used again: copy what is kept. */
export type Take = (chunk: Uint8Array) => boolean;

const CHUNK = 1 << 17;
/** A page's thread is let go after so many bytes. */
const BREATH = 1 << 22;

/**
 * Unpacks a raw deflate stream piece by piece, whatever follows it. Holds 128 KB at a time, and stops where `take` wants no
 * more. Runs on Node's zlib, elsewhere on pako: the browser's `DecompressionStream` neither ignores what follows nor says
 * where the stream ends.
 * Source: RFC 1951.
 * @param code of the error that is thrown where the stream is cut or broken; what `take` throws is thrown on
 * @returns how many bytes the stream took, or undefined where `take` ended it
 */
export async function inflateRaw(bytes: Uint8Array, take: Take, code: ProcessorErrorCode): Promise<number | undefined> {
  try {
    return await (inNode() ? inflateByZlib(bytes, take) : inflateByPako(bytes, take));
  } catch (cause) {
    if (cause instanceof ProcessorError) throw cause;
    throw new ProcessorError(code, "the deflate stream is cut or broken", { cause });
  }
}

/**
 * The whole content of a raw deflate stream. Memory grows with what there is, never on the word of a header.
 * @throws ProcessorError `broken`, and `tooLarge` where it is over `maxBytes`
 */
export async function inflateAll(
  bytes: Uint8Array,
  maxBytes: number,
  { broken, tooLarge }: { readonly broken: ProcessorErrorCode; readonly tooLarge: ProcessorErrorCode },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const take = (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > maxBytes)
      throw new ProcessorError(tooLarge, `the content unpacks to more than the limit of ${maxBytes} bytes (maxBytes)`);
    chunks.push(chunk.slice());
    return true;
  };
  await inflateRaw(bytes, take, broken);
  return joined(chunks);
}

async function inflateByZlib(bytes: Uint8Array, take: Take): Promise<number | undefined> {
  const { createInflateRaw } = await nodeZlib();
  const stream = createInflateRaw({ chunkSize: CHUNK });
  stream.end(bytes);
  for await (const chunk of stream as AsyncIterable<Uint8Array>) if (!take(chunk)) return undefined;
  return stream.bytesWritten;
}

/** Exported for its test, which holds it against Node's zlib. */
export async function inflateByPako(bytes: Uint8Array, take: Take): Promise<number | undefined> {
  const { ZStream, zlibInflateInit2, zlibInflate, Z_NO_FLUSH, Z_OK, Z_STREAM_END } = await import("pako");
  const stream = new ZStream();
  // Negative: a raw stream, without zlib's header.
  zlibInflateInit2(stream, -15);
  stream.input = bytes;
  stream.avail_in = bytes.length;
  stream.output = new Uint8Array(CHUNK);
  for (let held = 0; ; held += stream.next_out) {
    if (held >= BREATH) {
      held = 0;
      await new Promise((resume) => setTimeout(resume, 0));
    }
    stream.next_out = 0;
    stream.avail_out = CHUNK;
    const status = zlibInflate(stream, Z_NO_FLUSH);
    if (stream.next_out > 0 && !take(stream.output.subarray(0, stream.next_out))) return undefined;
    if (status === Z_STREAM_END) return stream.next_in;
    if (status !== Z_OK || stream.avail_out > 0) throw new Error(`deflate: status ${status}`);
  }
}
