import { addressName, SourceError, TransientError } from "./error.js";
import { LOCK_TIMING, type LockTiming, locked } from "./lock.js";
import { mostBytes } from "./names.js";
import type { Progress, Reach } from "./options.js";
import { isStrong, Part } from "./part.js";
import type { Entry } from "./plan.js";
import { type Answer, isEncoded, refusal, send } from "./request.js";
import { persist } from "./retry.js";
import type { Store } from "./store.js";

export interface TransferOptions {
  readonly reach: Reach;
  readonly maxBytes: number;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly lockTiming?: LockTiming | undefined;
}

/** Milliseconds between two words about progress. */
const REPORT = 100;

/** Progress of fewer bytes than this does not renew the patience. */
const GAIN = 1024 ** 2;

/**
 * Gets one file into the cache, unless it is there: gone on with where an earlier attempt ended, held to the size and
 * the digest that were listed, and then renamed into its place. Of parallel processes one fetches, the others wait.
 * @returns its path
 */
export async function transfer(store: Store, entry: Entry, options: TransferOptions): Promise<string> {
  const most = Math.min(options.maxBytes, mostBytes(entry.name));
  if ((entry.size ?? 0) > most)
    throw new SourceError("too-large", `${entry.name} has ${entry.size} bytes; at most ${most} are taken`);
  const { lockTiming = LOCK_TIMING, reach } = options;
  return locked(
    store.partial(`${entry.key}.lock`),
    () => store.whole(entry),
    () => new Transfer(store, entry, most, options).run(),
    reach.signal,
    lockTiming,
  );
}

class Transfer {
  #part: Part | undefined;
  readonly #store: Store;
  readonly #entry: Entry;
  readonly #most: number;
  readonly #options: TransferOptions;
  #reported = 0;
  /** Beginning anew does not count as progress until it comes further than before. */
  #furthest = 0;

  constructor(store: Store, entry: Entry, most: number, options: TransferOptions) {
    this.#store = store;
    this.#entry = entry;
    this.#most = most;
    this.#options = options;
  }

  async run(): Promise<string> {
    await this.#store.sweepParts(this.#entry.key);
    this.#part = await Part.resume(this.#store, this.#entry);
    try {
      return await this.#fetched();
    } catch (error) {
      if (!(error instanceof SourceError && error.code === "hash-mismatch")) throw error;
      // Perhaps what an earlier process left was at fault: once more, from the start.
      this.#part = undefined;
      return await this.#fetched();
    } finally {
      await this.#part?.leave();
    }
  }

  async #fetched(): Promise<string> {
    const { reach } = this.#options;
    this.#furthest = this.#part?.position ?? 0;
    await persist(
      reach,
      () => this.#attempt(),
      () => {
        const gained = (this.#part?.position ?? 0) - this.#furthest;
        if (gained >= GAIN) this.#furthest += gained;
        return gained >= GAIN;
      },
    );
    const part = this.#part as Part;
    this.#part = undefined;
    return part.finish();
  }

  /** One request, for what is missing. */
  async #attempt(): Promise<void> {
    const { url, size } = this.#entry;
    const { reach } = this.#options;
    if (this.#part !== undefined && this.#part.position === size) return;
    const { etag, position } = this.#part ?? { etag: undefined, position: 0 };
    // Without a strong tag nothing says that the rest would be of the same file.
    const range = etag !== undefined && position > 0 && { range: `bytes=${position}-`, "if-range": etag };
    const answer = await send(url, { ...range }, reach);
    try {
      if (range !== false && answer.status === 206) this.#checkRange(answer);
      else if (range !== false && answer.status === 416)
        throw await this.#startOver(`${addressName(url)} has no bytes from ${position} on`);
      else if (answer.status === 200) await this.#start(answer);
      else throw refusal(answer, url, reach);
      await this.#receive(answer);
    } catch (error) {
      await answer.discard();
      if (error instanceof WrongRange) throw await this.#startOver(error.message);
      throw error;
    }
  }

  /** A whole file: what was there before goes. */
  async #start(answer: Answer): Promise<void> {
    const { name, size, etag: listed } = this.#entry;
    const etag = isEncoded(answer.headers) ? undefined : (answer.headers.get("etag") ?? undefined);
    if (listed !== undefined && etag !== listed)
      throw new SourceError("changed", `${name} is another file than when it was listed`);
    if (size !== undefined && answer.length !== undefined && answer.length !== size)
      throw new SourceError("size-mismatch", `${name}: the server sends ${answer.length} bytes, ${size} were listed`);
    await this.#drop();
    // A packed answer has no bytes of the file that one could go on from.
    this.#part = await Part.begin(this.#store, this.#entry, size === undefined ? undefined : etag);
  }

  #checkRange({ headers }: Answer): void {
    const { position, etag } = this.#part as Part;
    const { name, size } = this.#entry;
    const range = headers.get("content-range");
    const tag = headers.get("etag");
    if (range !== `bytes ${position}-${(size as number) - 1}/${size}` || isEncoded(headers))
      throw new WrongRange(
        `${name}: asked for bytes from ${position} of ${size}, the server sends ${range?.slice(0, 60)}`,
      );
    if (tag !== null && isStrong(tag) && tag !== etag) throw new WrongRange(`${name} is another file than before`);
  }

  async #receive(answer: Answer): Promise<void> {
    const part = this.#part as Part;
    const { name, size } = this.#entry;
    this.#report(true);
    for await (const chunk of answer.chunks()) {
      const length = part.position + chunk.byteLength;
      if (size !== undefined && length > size)
        throw new SourceError("size-mismatch", `${name}: more came than the ${size} bytes that were listed`);
      if (length > this.#most) throw new SourceError("too-large", `${name} has more than ${this.#most} bytes`);
      await part.append(chunk);
      this.#report(false);
    }
    if (size !== undefined && part.position < size)
      throw new TransientError("size-mismatch", `${name}: ${part.position} bytes came of ${size}`);
    this.#report(true);
  }

  #report(always: boolean): void {
    const now = performance.now();
    if (!always && now - this.#reported < REPORT) return;
    this.#reported = now;
    const { name: file, size } = this.#entry;
    this.#options.onProgress?.({ file, received: this.#part?.position ?? 0, size });
  }

  async #startOver(why: string): Promise<TransientError> {
    await this.#drop();
    return new TransientError("http-invalid", why);
  }

  async #drop(): Promise<void> {
    const part = this.#part;
    this.#part = undefined;
    await part?.discard();
  }
}

class WrongRange extends Error {}
