import { fail, SafetensorsError, type Where } from "./error.js";
import { allocate, type ByteSource } from "./source.js";

/** How an address is read. */
export interface HttpOptions {
  /** Used in place of the global `fetch`: for retries, a proxy, a cache, a test. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How often a range is asked for whose body breaks off; once unless given. The rules for everything else stay. */
  readonly attempts?: number | undefined;
}

/** Bytes asked for first: one request then holds the header of all but the largest files. */
const FIRST_BYTES = 64 * 1024;

/**
 * A file on a server that answers Range requests (RFC 9110, section 14). Every answer is held to the range that was
 * asked for: a server that ignores ranges, sends another one, changes its file in between or sends more or less than
 * it announced is refused by name, and never more is kept in memory than has arrived.
 */
export async function httpSource(url: URL, options: HttpOptions = {}): Promise<ByteSource> {
  const name = addressName(url);
  const first = await requestRange(url, options, 0, FIRST_BYTES, undefined);
  const { total, bytes: start } = first;

  const read = async (begin: number, end: number, signal?: AbortSignal) => {
    if (end <= start.byteLength) return start.slice(begin, end);
    const answer = await again(options.attempts ?? 1, () =>
      requestRange(url, { ...options, signal }, begin, end, total),
    );
    const retagged = answer.etag !== null && first.etag !== null && answer.etag !== first.etag;
    if (answer.total !== total || retagged) {
      const wrong = `the file had ${total} bytes and tag ${first.etag}, now ${answer.total} and ${answer.etag}`;
      fail("changed", { file: name }, wrong, "to open it again");
    }
    return answer.bytes;
  };
  return { name, size: total, read };
}

/** Ask for a range until its body comes whole, so often at the most. */
async function again<T>(attempts: number, ask: () => Promise<T>): Promise<T> {
  for (let left = attempts - 1; ; left--)
    try {
      return await ask();
    } catch (error) {
      if (left <= 0 || !(error instanceof SafetensorsError && error.code === "http-body")) throw error;
    }
}

/** A small file as a whole, at most `limit` bytes: an index. */
export async function httpWhole(url: URL, options: HttpOptions, limit: number): Promise<Uint8Array> {
  const where = { file: addressName(url) };
  const response = await request(url, options, {});
  if (response.status !== 200) await refuseStatus(response, where);
  return readBody(response, where, undefined, limit, options.signal);
}

/** An address as it may stand in a message: signed addresses carry secrets in the query, some in the user part. */
export function addressName(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

interface RangeAnswer {
  readonly bytes: Uint8Array;
  readonly total: number;
  readonly etag: string | null;
}

/** Bytes `begin` to `end`; without a known `total` the file may be shorter and the answer end with it. */
async function requestRange(
  url: URL,
  options: HttpOptions,
  begin: number,
  end: number,
  total: number | undefined,
): Promise<RangeAnswer> {
  const where = { file: addressName(url) };
  const response = await request(url, options, { range: `bytes=${begin}-${end - 1}` });
  const etag = response.headers.get("etag");
  // The only answer a server has for a range of an empty file.
  if (response.status === 416 && total === undefined && response.headers.get("content-range") === "bytes */0") {
    await discard(response);
    return { bytes: new Uint8Array(0), total: 0, etag };
  }
  if (response.status === 200) {
    await discard(response);
    fail(
      "http-range",
      where,
      "the server ignores Range and sends the whole file",
      "206 (or download it and open that)",
    );
  }
  if (response.status !== 206) await refuseStatus(response, where);
  const range = await checkRange(response, where, begin, end, total === undefined);
  const bytes = await readBody(response, where, range.length, range.length, options.signal);
  return { bytes, total: range.total, etag };
}

async function request(url: URL, options: HttpOptions, headers: Record<string, string>): Promise<Response> {
  const { fetch = globalThis.fetch, signal } = options;
  signal?.throwIfAborted();
  try {
    // To a request with a range, fetch itself adds that the answer must not be compressed.
    const all = { ...options.headers, ...headers };
    return await fetch(url, { headers: all, ...(signal === undefined ? {} : { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    const wrong = `no answer (${reasonOf(cause)})`;
    return fail("network", { file: addressName(url) }, wrong, "a server that can be reached", cause);
  }
}

/** Node says only "fetch failed" and keeps the reason one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

async function refuseStatus(response: Response, where: Where): Promise<never> {
  await discard(response);
  const { status } = response;
  if (status === 404 || status === 410) fail("not-found", where, `the server says ${status}`, "an existing file");
  const right = status === 401 || status === 403 ? "an address that may be read (headers: authorization?)" : "206";
  return fail("http-status", where, `the server says ${status}`, right);
}

/** Checks what a 206 says about itself before its body is read. */
async function checkRange(response: Response, where: Where, begin: number, end: number, mayEndEarly: boolean) {
  const stated = response.headers.get("content-range");
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(stated ?? "");
  const [from, last, total] = (match?.slice(1) ?? []).map(Number);
  const encoding = response.headers.get("content-encoding");
  const compressed = encoding !== null && encoding !== "identity";
  const right = `bytes ${begin}-${end - 1} and the file's size (across origins: exposed by CORS), not compressed`;
  if (from === undefined || last === undefined || total === undefined || compressed) {
    await discard(response);
    const wrong = compressed ? `Content-Encoding is ${encoding}` : `Content-Range is ${stated}`;
    return fail("http-range", where, wrong, right);
  }
  const expected = mayEndEarly ? Math.min(end, total) : end;
  if (from !== begin || last !== expected - 1) {
    await discard(response);
    fail("http-range", where, `Content-Range is ${stated}`, right);
  }
  return { length: last + 1 - from, total };
}

/** The body, as it arrives; `length` is what it must have, if known, and `limit` the most that is kept. */
async function readBody(
  response: Response,
  where: Where,
  length: number | undefined,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let arrived = 0;
  const right = length === undefined ? `at most ${limit} bytes` : `${length} bytes`;
  const reader = response.body?.getReader();
  try {
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      arrived += part.value.byteLength;
      if (arrived > limit) break;
      chunks.push(part.value);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    fail("http-body", where, `the answer broke off after ${arrived} bytes`, right, cause);
  }
  if (arrived > limit) {
    await reader?.cancel().catch(() => undefined);
    fail("http-body", where, "the answer is longer than it may be", right);
  }
  if (length !== undefined && arrived < length) {
    fail("http-body", where, `the answer ended after ${arrived} bytes`, right);
  }
  return join(chunks, arrived, where);
}

function join(chunks: readonly Uint8Array[], length: number, where: Where): Uint8Array {
  const whole = allocate(length, where);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** Lets the connection go without reading on. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}
