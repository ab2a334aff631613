import { planAddress } from "./address.js";
import { sha256 } from "./digest.js";
import { SourceError, TransientError } from "./error.js";
import { isCommit, planHub, resolveCommit } from "./hub.js";
import { filing, node } from "./node.js";
import { type FetchOptions, isOffline, type Reach, settle } from "./options.js";
import { type Entry, type Plan, pooled, type ReadSmall } from "./plan.js";
import { parseSource, type Source, sourceName } from "./source.js";
import { cacheFolder, Store } from "./store.js";
import { type TransferOptions, transfer } from "./transfer.js";

/** Files at a time. */
const PARALLEL = 4;
/** How often an address is looked at again when its files change meanwhile. */
const LOOKS = 3;

type Remote = Exclude<Source, { readonly kind: "folder" }>;

/**
 * Make a local folder of a source: its files are fetched into the cache, unless they are there, and verified.
 *
 * - A folder is given back as it is.
 * - `hf:owner/name@revision` is resolved to a commit. A commit that is in the cache needs no request; a branch is looked
 *   up, and a new commit fetched.
 * - An address is looked at again each time, by the sizes and tags of its files.
 * - Offline, or where no server answers, the version that the cache has is given.
 *
 * @returns the folder; nothing in it is written again
 * @throws SourceError; the signal's reason when aborted
 */
export async function fetchCheckpoint(source: string | Source, options: FetchOptions = {}): Promise<string> {
  const parsed = typeof source === "string" ? parseSource(source) : source;
  if (parsed.kind === "folder") return parsed.path;
  const { maxBytes = Number.MAX_SAFE_INTEGER, signal } = options;
  if (!(maxBytes > 0)) throw new SourceError("option-invalid", "maxBytes must be a number above 0");
  signal?.throwIfAborted();
  const reach = settle(options);
  const store = new Store(await storeFolder(parsed, reach, options.cache ?? (await cacheFolder())));
  const cached = await inCache(store, parsed);
  if (isOffline(options)) return cached ?? missing(parsed, store);
  if (cached !== undefined && parsed.kind === "hub" && isCommit(parsed.revision)) return cached;
  await store.prepare();
  const fetching = { reach, maxBytes, onProgress: options.onProgress };
  return new Fetching(store, parsed, fetching).run(cached);
}

/** A version, and its folder where the cache has it. */
type Found = Plan & { readonly folder?: string };

class Fetching {
  constructor(
    readonly store: Store,
    readonly source: Remote,
    readonly options: TransferOptions,
  ) {}

  async run(cached: string | undefined): Promise<string> {
    for (let looks = 1; ; looks++) {
      try {
        const plan = await this.#plan(cached !== undefined);
        return plan === undefined ? (cached as string) : await this.#fetch(plan);
      } catch (error) {
        if (!(error instanceof SourceError && error.code === "changed") || looks === LOOKS) throw error;
      }
    }
  }

  /** What to fetch; undefined where no server answers and the cache has a version. */
  async #plan(cached: boolean): Promise<Found | undefined> {
    const { reach } = this.options;
    // With something to fall back on, one does not wait for long.
    const patience = cached ? { ...reach.patience, attempts: Math.min(2, reach.patience.attempts) } : reach.patience;
    try {
      return await this.#list({ ...reach, patience });
    } catch (error) {
      if (cached && error instanceof TransientError && error.code === "network") return undefined;
      throw error;
    }
  }

  async #list(reach: Reach): Promise<Found> {
    const { source, store } = this;
    const { fs } = await node();
    const read: ReadSmall = async (entry) => {
      const path = await transfer(store, entry, { ...this.options, reach });
      return filing(path, () => fs.readFile(path, "utf8"));
    };
    if (source.kind === "url") return planAddress(source.url, reach, read);
    const commit = await resolveCommit(source, reach);
    // A commit never changes: what the cache has of it needs no list.
    const folder = await store.find(commit);
    return folder === undefined ? planHub(source, commit, reach, read) : { id: commit, entries: [], folder };
  }

  async #fetch(plan: Found): Promise<string> {
    const { store, source, options } = this;
    const folder = plan.folder ?? (await store.find(plan.id)) ?? (await this.#download(plan));
    if (source.kind === "url") await store.setRef(ADDRESS, plan.id);
    else if (!isCommit(source.revision)) await store.setRef(source.revision, plan.id);
    options.reach.signal?.throwIfAborted();
    return folder;
  }

  async #download(plan: Plan): Promise<string> {
    const { store, source, options } = this;
    const missing: Entry[] = [];
    for (const entry of plan.entries) if ((await store.whole(entry)) === undefined) missing.push(entry);
    checkTotal(plan, options.maxBytes);
    await checkSpace(store, missing);
    const ended = new AbortController();
    const { signal } = options.reach;
    const abort = () => ended.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const reach = { ...options.reach, signal: ended.signal };
    try {
      await pooled(missing, PARALLEL, (entry) =>
        transfer(store, entry, { ...options, reach }).catch((error: unknown) => {
          // The first failure ends the other transfers; what they have stays for the next time.
          ended.abort(error);
          throw error;
        }),
      );
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    return store.assemble(sourceName(source), plan);
  }
}

function checkTotal({ entries }: Plan, maxBytes: number): void {
  const total = bytesOf(entries);
  if (total > maxBytes)
    throw new SourceError("too-large", `the checkpoint has ${total} bytes; at most ${maxBytes} are allowed (maxBytes)`);
}

const bytesOf = (entries: readonly Entry[]): number => entries.reduce((sum, { size = 0 }) => sum + size, 0);

/** Better before the first byte than after the last that fits. */
async function checkSpace({ root }: Store, missing: readonly Entry[]): Promise<void> {
  const { fs } = await node();
  // A disk that does not say is believed to have enough.
  const disk = await fs.statfs(root).catch(() => undefined);
  if (disk === undefined) return;
  const [needed, free] = [bytesOf(missing), disk.bavail * disk.bsize];
  if (needed > free)
    throw new SourceError("disk", `${root}: ${needed} bytes are to come, ${free} are free; the cache can be elsewhere`);
}

/** Under this name an address has its last version. */
const ADDRESS = "latest";

async function inCache(store: Store, source: Remote): Promise<string | undefined> {
  const pinned = source.kind === "hub" && isCommit(source.revision) ? source.revision : undefined;
  const id = pinned ?? (await store.ref(source.kind === "hub" ? source.revision : ADDRESS));
  return id === undefined ? undefined : store.find(id);
}

function missing(source: Remote, { root }: Store): never {
  throw new SourceError(
    "offline-missing",
    `${sourceName(source)} is not whole in ${root}, and requests are switched off; fetch it once while online`,
  );
}

/** One folder for each model: of the Hub by its name, of an address by its hash, which shows nothing of a query. */
async function storeFolder(source: Remote, { endpoint }: Reach, cache: string): Promise<string> {
  const { path } = await node();
  const root = path.resolve(cache);
  if (source.kind === "url") return path.join(root, "url", (await sha256(source.url.href)).slice(0, 40));
  const prefix = endpoint.pathname === "/" ? "" : `_${(await sha256(endpoint.pathname)).slice(0, 8)}`;
  const host = endpoint.host.replace(/[^a-z0-9.-]/gi, "_") + prefix;
  return path.join(root, host, `models--${source.repo.replace("/", "--")}`);
}
