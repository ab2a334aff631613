import type { Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { SourceError } from "./error.js";
import { field } from "./names.js";
import { filing, node, orAbsent, systemCode } from "./node.js";
import type { Entry } from "./plan.js";
import { type Store, syncFolder, writeWhole } from "./store.js";

/** Bytes after which what was written is flushed, and noted as safe to go on from. */
const FLUSH_BYTES = 8 * 1024 ** 2;

/**
 * A file on its way. Beside it stands a note: which version of the file it is (a strong ETag) and how many of its bytes
 * are on the disk for certain; only those count when another process goes on with it, so that not even a power cut puts
 * holes in a file.
 *
 * A note names the file by an id that is never used again, and bytes are only ever written where they belong in that
 * version. So two processes that take each other for dead and write the same part write the same bytes.
 */
export class Part {
  #flushed: number;
  #position: number;
  #hash: Hash | undefined;

  private constructor(
    readonly store: Store,
    readonly entry: Entry,
    readonly id: string,
    readonly handle: FileHandle,
    /** The version that is being written; without a strong tag nobody can go on with it. */
    readonly etag: string | undefined,
    start: number,
    hash: Hash | undefined,
  ) {
    this.#flushed = start;
    this.#position = start;
    this.#hash = hash;
  }

  /** Bytes that are there. */
  get position(): number {
    return this.#position;
  }

  static async begin(store: Store, entry: Entry, etag: string | undefined): Promise<Part> {
    const { fs } = await node();
    const id = globalThis.crypto.randomUUID();
    const path = store.partial(`${entry.key}.${id}`);
    const handle = await filing(path, () => fs.open(path, "wx"));
    return new Part(store, entry, id, handle, isStrong(etag) ? etag : undefined, 0, await hashOf(entry));
  }

  /** What an earlier process left, if it can be gone on with. */
  static async resume(store: Store, entry: Entry): Promise<Part | undefined> {
    const { fs } = await node();
    const note = store.partial(`${entry.key}.json`);
    const text = await filing(note, () => orAbsent(fs.readFile(note, "utf8")));
    const { id, etag, flushed } = readNote(text);
    if (id === undefined || !isStrong(etag) || flushed === undefined || entry.size === undefined) return undefined;
    const path = store.partial(`${entry.key}.${id}`);
    const handle = await filing(path, () => orAbsent(fs.open(path, "r+")));
    if (handle === undefined) return undefined;
    try {
      const { size } = await filing(path, () => handle.stat());
      if (size >= flushed && flushed <= entry.size) {
        const hash = await hashOf(entry);
        if (hash !== undefined) await filing(path, () => hashFrom(handle, flushed, hash));
        return new Part(store, entry, id, handle, etag, flushed, hash);
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  get #path(): string {
    return this.store.partial(`${this.entry.key}.${this.id}`);
  }

  async append(bytes: Uint8Array): Promise<void> {
    await filing(this.#path, async () => {
      for (let done = 0; done < bytes.byteLength; ) {
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.byteLength - done, this.#position + done);
        if (bytesWritten === 0) throw Object.assign(new Error("no bytes are taken"), { code: "ENOSPC" });
        done += bytesWritten;
      }
    });
    this.#hash?.update(bytes);
    this.#position += bytes.byteLength;
    if (this.#position - this.#flushed >= FLUSH_BYTES) await this.#note();
  }

  /** Flushes, and says so in the note. */
  async #note(): Promise<void> {
    if (this.etag === undefined) return;
    await filing(this.#path, () => this.handle.sync());
    this.#flushed = this.#position;
    const note = { id: this.id, etag: this.etag, flushed: this.#flushed };
    await writeWhole(this.store.partial(`${this.entry.key}.json`), JSON.stringify(note));
  }

  /** Leaves it for another time if that is of use; removes it otherwise. */
  async leave(): Promise<void> {
    if (this.etag === undefined || this.#position === 0) return this.discard();
    try {
      if (this.#position > this.#flushed) await this.#note();
    } finally {
      await this.handle.close();
    }
  }

  async discard(): Promise<void> {
    const { fs } = await node();
    await this.handle.close();
    await filing(this.#path, () => fs.rm(this.#path, { force: true }));
  }

  /** Holds the bytes to the digest, and puts the file in its place. @throws SourceError `hash-mismatch` */
  async finish(): Promise<string> {
    const { entry, store } = this;
    const digest = this.#hash?.digest("hex");
    this.#hash = undefined;
    if (digest !== entry.digest?.hex) {
      await this.discard();
      const kind = entry.digest?.kind === "git" ? "git's hash" : "the SHA-256";
      throw new SourceError(
        "hash-mismatch",
        `${entry.name}: ${kind} of what came is ${digest}, not ${entry.digest?.hex}`,
      );
    }
    const { fs } = await node();
    const blob = store.blob(entry.key);
    try {
      await filing(this.#path, async () => {
        // Bytes behind the last flush of an earlier process, of a file that was then found to be shorter.
        if ((await this.handle.stat()).size > this.#position) await this.handle.truncate(this.#position);
        await this.handle.sync();
      });
    } finally {
      await this.handle.close();
    }
    try {
      await fs.rename(this.#path, blob);
    } catch (error) {
      // Another process went on with the same part and was first.
      const whole = systemCode(error) === "ENOENT" ? await store.whole(entry) : undefined;
      if (whole === undefined) await filing(blob, () => Promise.reject(error));
    }
    await syncFolder(`${store.root}/blobs`);
    await fs.rm(store.partial(`${entry.key}.json`), { force: true }).catch(() => undefined);
    return blob;
  }
}

/** RFC 9110, section 8.8.3: only a strong tag promises equal bytes. */
export const isStrong = (etag: string | undefined): etag is string => /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag ?? "");

async function hashOf({ digest, size }: Entry): Promise<Hash | undefined> {
  const { crypto } = await node();
  if (digest === undefined) return undefined;
  if (digest.kind === "sha256") return crypto.createHash("sha256");
  // git hashes a file with its kind and its length in front.
  return crypto.createHash("sha1").update(`blob ${size}\0`);
}

async function hashFrom(handle: FileHandle, length: number, hash: Hash): Promise<void> {
  const buffer = new Uint8Array(1024 ** 2);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.byteLength, length - at), at);
    if (bytesRead === 0) throw new Error("the file became shorter");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

function readNote(text: string | undefined): { id?: string; etag?: string; flushed?: number } {
  try {
    const json: unknown = JSON.parse(text ?? "null");
    const [id, etag, flushed] = [field(json, "id"), field(json, "etag"), field(json, "flushed")];
    if (typeof id !== "string" || !/^[0-9a-f-]{36}$/.test(id) || typeof etag !== "string") return {};
    return Number.isSafeInteger(flushed) && (flushed as number) >= 0 ? { id, etag, flushed: flushed as number } : {};
  } catch {
    return {};
  }
}
