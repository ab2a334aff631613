import type { FileHandle } from "node:fs/promises";
import { fail } from "./error.js";
import { filing, node } from "./node.js";

/** Bytes per call of the system; an abort is noticed between two calls. */
const WRITE_BYTES = 16 * 1024 * 1024;

/** A file that is complete on disk beside its place, and not yet in it. */
export interface Staged {
  readonly path: string;
  /** Puts it in its place, over what may be there: one step, so that a reader sees the old file or the new. */
  commit(): Promise<void>;
  /** Removes it. */
  discard(): Promise<void>;
}

/** Appends bytes to the file that is being written. */
export type Append = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes a file beside `path`, as `<path>.<random>.tmp`, and flushes it to the disk. Whatever `produce` throws passes
 * on as it is, after the file is removed.
 */
export async function stage(
  path: string,
  produce: (append: Append) => Promise<void>,
  signal?: AbortSignal,
): Promise<Staged> {
  const { fs } = await node();
  const aside = `${path}.${globalThis.crypto.randomUUID()}.tmp`;
  const discard = () => filing(aside, () => fs.rm(aside, { force: true }));
  const handle = await filing(path, () => fs.open(aside, "wx"));
  try {
    try {
      await produce((bytes) => appendTo(path, handle, bytes, signal));
      await filing(path, () => handle.sync());
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
  } catch (error) {
    await discard();
    throw error;
  }
  return { path, commit: () => filing(path, () => fs.rename(aside, path)), discard };
}

async function appendTo(path: string, handle: FileHandle, bytes: Uint8Array, signal: AbortSignal | undefined) {
  for (let done = 0; done < bytes.byteLength; ) {
    signal?.throwIfAborted();
    const length = Math.min(WRITE_BYTES, bytes.byteLength - done);
    const { bytesWritten } = await filing(path, () => handle.write(bytes, done, length));
    if (bytesWritten === 0) fail("io", { file: path }, "the system takes no more bytes", "space on the disk");
    done += bytesWritten;
  }
}

/** Puts one staged file in its place, or removes it where that fails. */
export async function commitOne(staged: Staged): Promise<void> {
  try {
    await staged.commit();
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** Makes renames in a folder last through a power cut. Windows has no such call and is left to its own journal. */
export async function syncFolder(path: string): Promise<void> {
  const { fs } = await node();
  const handle = await fs.open(path, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
