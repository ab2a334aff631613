import { SourceError } from "./error.js";
import { environment } from "./platform.js";

/** How far a file has come. */
export interface Progress {
  readonly file: string;
  /** Bytes that are there, those of an earlier attempt among them. */
  readonly received: number;
  /** Bytes of the whole file, where the server says so. */
  readonly size: number | undefined;
}

/** How long to go on. */
export interface Patience {
  /** Attempts in a row without a MiB of progress, before it is given up: 5. */
  readonly attempts: number;
  /** Milliseconds before the second attempt, doubled from one to the next up to 30 s: 500. */
  readonly delay: number;
  /** The longest wait that a server may ask for (Retry-After), in milliseconds: 60 000. */
  readonly longest: number;
  /** Milliseconds without a byte after which a connection counts as cut: 60 000. */
  readonly stall: number;
}

export interface RequestOptions {
  /** For the Hub alone: `HF_TOKEN` unless given. It goes to the endpoint's own origin and never across a redirect. */
  readonly token?: string | undefined;
  /** Whether http addresses are taken; https only unless true. A redirect from https to http is always refused. */
  readonly allowHttp?: boolean | undefined;
  /** The Hub: `HF_ENDPOINT` unless given, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** In place of the global `fetch`: for a proxy, or certificates of one's own. It must heed `redirect: "manual"`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly patience?: Partial<Patience> | undefined;
}

export interface FetchOptions extends RequestOptions {
  /** The cache's folder: `HULU_CACHE` unless given, else the platform's. */
  readonly cache?: string | undefined;
  /** No request at all: only what the cache holds. True unless given where `HULU_OFFLINE` or `HF_HUB_OFFLINE` is 1. */
  readonly offline?: boolean | undefined;
  /** The most bytes that a checkpoint may have, all files together. */
  readonly maxBytes?: number | undefined;
  /** Told at the beginning and the end of each file, and up to ten times a second between. */
  onProgress?(progress: Progress): void;
}

/** What requests go by, settled. */
export interface Reach {
  readonly fetch: typeof globalThis.fetch;
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly allowHttp: boolean;
  readonly signal: AbortSignal | undefined;
  readonly patience: Patience;
}

const wrong = (message: string) => new SourceError("option-invalid", message);

/** @throws SourceError `option-invalid`, `insecure` */
export function settle(options: RequestOptions): Reach {
  const { allowHttp = false, signal, fetch = globalThis.fetch } = options;
  const token = options.token ?? environment("HF_TOKEN");
  // It becomes a header; what it is is not shown.
  if (token !== undefined && !/^[\x21-\x7e]{1,4096}$/.test(token))
    throw wrong("the token of the Hub has characters that no token has, or none");
  const patience = { attempts: 5, delay: 500, longest: 60_000, stall: 60_000, ...options.patience };
  for (const [name, value] of Object.entries(patience))
    if (!(Number.isFinite(value) && value >= 0)) throw wrong(`patience.${name} must be a number of at least 0`);
  // A browser's `fetch` does not let itself be called as the method of another object.
  const plain: typeof fetch = (input, init) => fetch(input, init);
  return { fetch: plain, endpoint: endpointOf(options), token, allowHttp, signal, patience };
}

function endpointOf({ endpoint = environment("HF_ENDPOINT") ?? "https://huggingface.co" }: RequestOptions): URL {
  try {
    const url = new URL(endpoint);
    if (/^https?:$/.test(url.protocol) && url.username === "" && url.password === "") {
      url.search = "";
      url.hash = "";
      if (!url.pathname.endsWith("/")) url.pathname += "/";
      return url;
    }
  } catch {}
  throw wrong("the endpoint of the Hub must be an address such as https://huggingface.co, without name and password");
}

/** Whether requests are forbidden, by the option or by the environment. */
export const isOffline = ({ offline }: Pick<FetchOptions, "offline">): boolean =>
  offline ?? ["HULU_OFFLINE", "HF_HUB_OFFLINE"].some((name) => /^(1|true|yes|on)$/i.test(environment(name) ?? ""));
