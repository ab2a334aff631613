import { ProcessorError } from "../errors.js";
import { inNode } from "../platform.js";

/** Told the first bytes of the content, says how many bytes of it are wanted; throws where the content is unfit. */
export type Plan = (head: Uint8Array) => number;

/**
 * The first bytes of a gzip file's content, as many as `plan` asks for. Nothing beyond that is held, whatever the file
 * unpacks to. Members are concatenated, bytes after the last one are ignored, checksums are checked (of members read to
 * their end). Runs on Node's zlib, or on the browser's `DecompressionStream`, which reads files of one member.
 * Source: RFC 1952.
 * @param headLength how many bytes `plan` is told, fewer where the content is shorter
 * @throws ProcessorError `nifti-gzip` (cut or broken stream; in a browser also several members, or bytes behind the end).
 */
export async function gunzip(bytes: Uint8Array, headLength: number, plan: Plan): Promise<Uint8Array> {
  const sink = makeSink(headLength, plan);
  if (inNode()) await byZlib(bytes, sink);
  else await byBrowser(bytes, sink);
  return sink.finish();
}

type Sink = ReturnType<typeof makeSink>;

async function byZlib(bytes: Uint8Array, sink: Sink): Promise<void> {
  const { createInflateRaw } = await zlib();
  for (let at = 0; at < bytes.length && isGzip(bytes.subarray(at)) && !sink.full(); ) {
    const body = at + headerLength(bytes.subarray(at));
    const inflate = createInflateRaw({ chunkSize: 1 << 17 });
    let crc = 0;
    let length = 0;
    let whole = true;
    inflate.end(bytes.subarray(body));
    try {
      for await (const chunk of inflate as AsyncIterable<Uint8Array>) {
        crc = crc32(chunk, crc);
        length += chunk.length;
        whole = sink.take(chunk);
        if (!whole) break;
      }
    } catch (cause) {
      throw broken(cause);
    }
    if (!whole) break;
    at = body + inflate.bytesWritten + 8;
    checkTrailer(bytes, at - 8, crc, length);
  }
}

/** Under a name that bundlers cannot follow: in a page nothing asks for it. */
function zlib(): Promise<typeof import("node:zlib")> {
  const name = "zlib";
  return import(/* webpackIgnore: true */ /* @vite-ignore */ `node:${name}`);
}

/** The browser checks the sum and the length itself. */
async function byBrowser(bytes: Uint8Array, sink: Sink): Promise<void> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || !sink.take(value)) break;
    }
  } catch (cause) {
    throw broken(cause);
  } finally {
    // What is broken is not cancelled any more.
    await reader.cancel().catch(() => {});
  }
}

/** A refusal of what was unpacked stays what it is. */
const broken = (cause: unknown): Error =>
  cause instanceof ProcessorError
    ? cause
    : new ProcessorError("nifti-gzip", "the gzip stream is cut or broken", { cause });

/** Whether the bytes begin a gzip member (deflate). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** Collects the head, asks the plan, then collects the rest. */
function makeSink(headLength: number, plan: Plan) {
  let out = new Uint8Array(headLength);
  let filled = 0;
  let planned = false;
  const ask = () => {
    planned = true;
    const head = out.subarray(0, filled);
    const next = new Uint8Array(plan(head));
    filled = Math.min(filled, next.length);
    next.set(head.subarray(0, filled));
    out = next;
  };
  const full = () => planned && filled === out.length;
  return {
    full,
    /** @returns false when the bytes hold more than is wanted. */
    take(chunk: Uint8Array): boolean {
      let from = 0;
      while (from < chunk.length) {
        if (full()) return false;
        const n = Math.min(chunk.length - from, out.length - filled);
        out.set(chunk.subarray(from, from + n), filled);
        filled += n;
        from += n;
        if (!planned && filled === out.length) ask();
      }
      return true;
    },
    finish(): Uint8Array {
      if (!planned) ask();
      return out.subarray(0, filled);
    },
  };
}

/** Bytes before the deflate stream of a member. */
function headerLength(bytes: Uint8Array): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if (flags & 4) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const flag of [8, 16]) {
    if (flags & flag) {
      const zero = bytes.indexOf(0, at);
      at = zero < 0 ? bytes.length : zero + 1;
    }
  }
  if (flags & 2) at += 2;
  if (at >= bytes.length) throw new ProcessorError("nifti-gzip", "the gzip header is cut");
  return at;
}

function checkTrailer(bytes: Uint8Array, at: number, crc: number, length: number): void {
  if (at + 8 > bytes.length) throw new ProcessorError("nifti-gzip", "the gzip stream is cut before its checksum");
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  if (view.getUint32(0, true) !== crc || view.getUint32(4, true) !== length % 2 ** 32) {
    throw new ProcessorError("nifti-gzip", "the gzip checksum does not match: the file is damaged");
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** CRC-32 of RFC 1952, continued from `crc`. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  let c = ~crc;
  for (let i = 0; i < bytes.length; i++) c = CRC_TABLE[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}
