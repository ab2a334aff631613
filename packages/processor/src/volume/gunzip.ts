import { ProcessorError } from "../errors.js";
import { inflateRaw } from "./inflate.js";

/** Told the first bytes of the content, says how many bytes of it are wanted; throws where the content is unfit. */
export type Plan = (head: Uint8Array) => number;

/**
 * The first bytes of a gzip file's content, as many as `plan` asks for. Nothing beyond that is held, whatever the file
 * unpacks to. Members are concatenated, bytes after the last one are ignored, checksums are checked (of members read to
 * their end).
 * Source: RFC 1952.
 * @param headLength how many bytes `plan` is told, fewer where the content is shorter
 * @throws ProcessorError `nifti-gzip` (cut or broken stream).
 */
export async function gunzip(bytes: Uint8Array, headLength: number, plan: Plan): Promise<Uint8Array> {
  const sink = makeSink(headLength, plan);
  for (let at = 0; at < bytes.length && isGzip(bytes.subarray(at)) && !sink.full(); ) {
    const body = at + headerLength(bytes.subarray(at));
    let crc = 0;
    let length = 0;
    const take = (chunk: Uint8Array) => {
      crc = crc32(chunk, crc);
      length += chunk.length;
      return sink.take(chunk);
    };
    const taken = await inflateRaw(bytes.subarray(body), take, "nifti-gzip");
    if (taken === undefined) break;
    at = body + taken + 8;
    checkTrailer(bytes, at - 8, crc, length);
  }
  return sink.finish();
}

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
