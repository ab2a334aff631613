import { planAddress } from "./address.js";
import { digestOf } from "./digest.js";
import { SourceError, TransientError } from "./error.js";
import { commitUrl, planHub, resolveCommit } from "./hub.js";
import { mostBytes } from "./names.js";
import { type Reach, type RequestOptions, settle } from "./options.js";
import { type Entry, pooled } from "./plan.js";
import { bytesOf, refusal, send } from "./request.js";
import { persist } from "./retry.js";
import { parseSource, type Source } from "./source.js";

/** A checkpoint that stays where it is. */
export interface RemoteCheckpoint {
  /** The small files by name, verified as far as the server lets them be. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** The address of the folder that the tensors are in, to be read by ranges. */
  readonly weights: URL;
  /** What to read them with: it keeps the rules for redirects, http and the token. */
  readonly fetch: typeof globalThis.fetch;
}

/**
 * Open a checkpoint without a disk: the small files are read into memory, the tensors are left to be read by ranges.
 * It works in a page too, where servers must allow it (CORS) and the token does not go along where they redirect.
 * @throws SourceError; the signal's reason when aborted
 */
export async function openRemote(source: string | Source, options: RequestOptions = {}): Promise<RemoteCheckpoint> {
  const parsed = typeof source === "string" ? parseSource(source) : source;
  if (parsed.kind === "folder")
    throw new SourceError("source-invalid", `${parsed.path} is a folder of this machine; there is nothing to fetch`);
  const reach = settle(options);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const read = async (entry: Entry) => {
    const bytes = files.get(entry.name) ?? (await inMemory(entry, reach));
    files.set(entry.name, bytes);
    return new TextDecoder().decode(bytes);
  };
  const commit = parsed.kind === "hub" ? await resolveCommit(parsed, reach) : "";
  const { entries } =
    parsed.kind === "hub"
      ? await planHub(parsed, commit, reach, read, false)
      : await planAddress(parsed.url, reach, read, false);
  await pooled(entries, 8, read);
  const weights = parsed.kind === "hub" ? commitUrl(parsed.repo, commit, reach) : parsed.url;
  return { files, weights, fetch: guardedFetch(reach) };
}

function inMemory(entry: Entry, reach: Reach): Promise<Uint8Array<ArrayBuffer>> {
  const { url, name, size, digest } = entry;
  return persist(reach, async () => {
    const answer = await send(url, {}, reach);
    if (answer.status !== 200) {
      await answer.discard();
      throw refusal(answer, url, reach);
    }
    const bytes = await bytesOf(answer, mostBytes(name), name);
    if (size !== undefined && bytes.byteLength !== size)
      throw new TransientError("size-mismatch", `${name}: ${bytes.byteLength} bytes came of ${size}`);
    if (digest !== undefined && (await digestOf(bytes, digest.kind)) !== digest.hex)
      throw new TransientError("hash-mismatch", `${name}: the bytes that came are not those that the Hub lists`);
    return bytes;
  });
}

/** `fetch` for GETs under the rules of this package; attempts that fail in passing are made again. */
function guardedFetch(reach: Reach): typeof globalThis.fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers: Record<string, string> = {};
    new Headers(init?.headers).forEach((value, name) => {
      headers[name] = value;
    });
    const bound = { ...reach, signal: init?.signal ?? undefined };
    return persist(bound, async () => {
      const answer = await send(url, headers, bound);
      if (answer.status === 429 || answer.status >= 500) {
        await answer.discard();
        throw refusal(answer, url, bound);
      }
      const { status, headers: answered } = answer;
      if ([204, 205, 304].includes(status)) {
        await answer.discard();
        return new Response(null, { status, headers: answered });
      }
      const chunks = answer.chunks();
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { value, done } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        async cancel() {
          await chunks.return();
          await answer.discard();
        },
      });
      return new Response(body, { status, headers: answered });
    });
  };
}
