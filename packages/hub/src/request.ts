import { addressName, SourceError, TransientError } from "./error.js";
import type { Reach } from "./options.js";
import { retryAfter } from "./retry.js";

const MAX_REDIRECTS = 5;

/** An answer whose body is read under the guard of the signal and of the stall limit. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Bytes of the body, if it is sent as it is; undefined where the server does not say. */
  readonly length: number | undefined;
  /** The body as it arrives. @throws TransientError where it breaks off */
  chunks(): AsyncGenerator<Uint8Array, void>;
  /** Lets the connection go without reading on. */
  discard(): Promise<void>;
}

/**
 * One GET, its redirects followed by hand: at most five, none from https to http, and the token stays with the Hub's
 * own origin, for good once another was seen. The status is the caller's to judge.
 * @throws SourceError `insecure`, `too-many-redirects`, `http-invalid`; TransientError `network`
 */
export async function send(start: URL, headers: Readonly<Record<string, string>>, reach: Reach): Promise<Answer> {
  const guard = new Guard(reach);
  let url = start;
  let trusted = true;
  try {
    for (let redirects = 0; ; redirects++) {
      checkScheme(url, reach);
      trusted &&= url.origin === reach.endpoint.origin;
      const bearer = trusted && reach.token !== undefined ? { authorization: `Bearer ${reach.token}` } : {};
      const response = await answerOf(url, { ...headers, ...bearer, "accept-encoding": "identity" }, reach, guard);
      if (![301, 302, 303, 307, 308].includes(response.status)) return new Received(response, url, guard);
      await response.body?.cancel().catch(() => undefined);
      if (redirects === MAX_REDIRECTS)
        throw new SourceError("too-many-redirects", `${addressName(start)} leads on more than ${MAX_REDIRECTS} times`);
      url = target(response, url);
    }
  } catch (error) {
    guard.end();
    throw error;
  }
}

function checkScheme(url: URL, { allowHttp }: Reach): void {
  if (url.protocol === "https:" || (url.protocol === "http:" && allowHttp)) return;
  const right = url.protocol === "http:" ? "https, or allow http (allowHttp, --allow-http)" : "https";
  throw new SourceError("insecure", `${addressName(url)} is not read over ${url.protocol}; use ${right}`);
}

function target(response: Response, from: URL): URL {
  const location = response.headers.get("location");
  let url: URL;
  try {
    url = new URL(location || "//", from);
  } catch {
    throw new SourceError("http-invalid", `${addressName(from)} leads on to nowhere (${response.status}, no Location)`);
  }
  if (from.protocol === "https:" && url.protocol !== "https:")
    throw new SourceError("insecure", `${addressName(from)} leads from https to ${url.protocol}, which is refused`);
  if (url.username !== "" || url.password !== "")
    throw new SourceError("http-invalid", `${addressName(from)} leads on to an address with a name or a password`);
  return url;
}

async function answerOf(url: URL, headers: Record<string, string>, reach: Reach, guard: Guard): Promise<Response> {
  const init = { headers, signal: guard.signal, cache: "no-store" } as const;
  try {
    const response = await guard.timed(reach.fetch(url, { ...init, redirect: "manual" }));
    if (response.type !== "opaqueredirect") return response;
    // A page does not get to see where a redirect leads; it is followed there, and the token stays behind.
    const { authorization: _, ...rest } = headers;
    return await guard.timed(reach.fetch(url, { ...init, headers: rest, redirect: "follow" }));
  } catch (error) {
    throw guard.failure(error, `${addressName(url)} gives no answer`);
  }
}

/** Ends a request when its caller does, and when nothing arrives for too long. */
class Guard {
  readonly #abort = new AbortController();
  readonly #reach: Reach;
  readonly #follow = () => this.#abort.abort(this.#reach.signal?.reason);
  #stalled = false;

  constructor(reach: Reach) {
    this.#reach = reach;
    reach.signal?.addEventListener("abort", this.#follow, { once: true });
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  /** What `arriving` gives, or a failure once the stall limit is over, even if `arriving` takes no notice. */
  async timed<T>(arriving: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stall = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#stalled = true;
        this.#abort.abort();
        reject(this.#abort.signal.reason);
      }, this.#reach.patience.stall);
    });
    try {
      return await Promise.race([arriving, stall]);
    } finally {
      clearTimeout(timer);
    }
  }
  failure(error: unknown, what: string): unknown {
    const { signal, patience } = this.#reach;
    if (signal?.aborted) return signal.reason;
    if (error instanceof SourceError) return error;
    const reason = this.#stalled ? `nothing arrived for ${patience.stall} ms` : reasonOf(error);
    return new TransientError("network", `${what} (${reason})`);
  }
  end(): void {
    this.#reach.signal?.removeEventListener("abort", this.#follow);
  }
}

/** Only the code of a failure: its words, and those of a `fetch` from outside, may hold the whole address. */
function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause)
    if ("code" in at && typeof at.code === "string" && /^[A-Z0-9_]{2,60}$/.test(at.code)) return at.code;
  return error instanceof Error ? error.name : "unknown";
}

class Received implements Answer {
  readonly #response: Response;
  readonly #url: URL;
  readonly #guard: Guard;

  constructor(response: Response, url: URL, guard: Guard) {
    this.#response = response;
    this.#url = url;
    this.#guard = guard;
  }
  get status(): number {
    return this.#response.status;
  }
  get headers(): Headers {
    return this.#response.headers;
  }
  get length(): number | undefined {
    const length = this.headers.get("content-length");
    return isEncoded(this.headers) || length === null || !/^\d{1,15}$/.test(length) ? undefined : Number(length);
  }
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    const reader = this.#response.body?.getReader();
    try {
      for (;;) {
        const part = await this.#read(reader);
        if (part === undefined) return;
        yield part;
      }
    } finally {
      // Left early or broken: the connection goes with it.
      await reader?.cancel().catch(() => undefined);
      this.#guard.end();
    }
  }
  async #read(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<Uint8Array | undefined> {
    try {
      return reader === undefined ? undefined : (await this.#guard.timed(reader.read())).value;
    } catch (error) {
      throw this.#guard.failure(error, `${addressName(this.#url)}: the answer broke off`);
    }
  }
  async discard(): Promise<void> {
    this.#guard.end();
    await this.#response.body?.cancel().catch(() => undefined);
  }
}

/** Whether the body is not the bytes of the file, but packed on the way. */
export const isEncoded = (headers: Headers): boolean =>
  !["identity", null, ""].includes(headers.get("content-encoding"));

/** The error for a status that is not what was asked for. */
export function refusal({ status, headers }: Answer, url: URL, { endpoint, token, patience }: Reach): SourceError {
  const where = addressName(url);
  const hub = url.origin === endpoint.origin;
  if (status === 401 || status === 403) {
    const have = token === undefined ? "set HF_TOKEN" : "HF_TOKEN must be of an account that may read it";
    const right = hub ? `if the model is private or gated, accept its terms on its page; ${have}` : "is it public?";
    return new SourceError("unauthorized", `${where}: the server says ${status}; ${right}`);
  }
  if (status === 404 || status === 410) {
    const what = headers.get("x-error-code") === "RevisionNotFound" ? "there is no such revision" : "there is none";
    return new SourceError("not-found", `${where}: ${what} (${status})`);
  }
  if (![408, 425, 429].includes(status) && status < 500)
    return new SourceError("http-status", `${where}: the server says ${status}`);
  const after = retryAfter(headers.get("retry-after"));
  const later =
    after !== undefined && after > patience.longest ? `, and to come back in ${Math.ceil(after / 1000)} s` : "";
  return new TransientError("network", `${where}: the server says ${status}${later}`, after);
}

/** A small body as a whole. @throws SourceError `too-large` before more than `most` bytes are kept */
export async function bytesOf(answer: Answer, most: number, where: string): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new SourceError("too-large", `${where} has more than ${most} bytes`);
  if ((answer.length ?? 0) > most) {
    await answer.discard();
    throw tooLarge();
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.chunks()) {
    length += part.byteLength;
    if (length > most) throw tooLarge();
    parts.push(part);
  }
  if (answer.length !== undefined && length !== answer.length)
    throw new TransientError("size-mismatch", `${where} ended after ${length} of ${answer.length} bytes`);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
