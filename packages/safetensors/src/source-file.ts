import type { FileHandle } from "node:fs/promises";
import { fail } from "./error.js";
import { filing, node } from "./node.js";
import { allocate, type ByteSource } from "./source.js";

/** Bytes per call of the system: some refuse 2 GiB, and an abort is noticed between two calls. */
const READ_BYTES = 64 * 1024 * 1024;

/**
 * A local file. It is opened for each read and not held: a checkpoint of many shards takes no descriptors, and nothing
 * leaks where a reader is forgotten. That the file is still the one whose header was checked is seen from its
 * identity, size and time at each read; if not, the read throws `changed`.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const { fs } = await node();
  const real = await filing(path, () => fs.realpath(path));
  // Before it is opened: opening a pipe would wait for its other end.
  const first = await filing(path, () => fs.stat(real));
  if (!first.isFile()) fail("not-a-file", { file: path }, "this is not a regular file", "a safetensors file");

  const read = async (begin: number, end: number, signal?: AbortSignal) => {
    const handle = await filing(path, () => fs.open(real, "r"));
    try {
      const now = await filing(path, () => handle.stat());
      if (now.ino !== first.ino || now.size !== first.size || now.mtimeMs !== first.mtimeMs) {
        fail("changed", { file: path }, "the file has changed since it was opened", "to open it again");
      }
      return await readRange(path, handle, begin, end, signal);
    } finally {
      await handle.close();
    }
  };
  return { name: path, size: first.size, path: real, read };
}

async function readRange(path: string, handle: FileHandle, begin: number, end: number, signal?: AbortSignal) {
  const bytes = allocate(end - begin, { file: path });
  for (let done = 0; done < bytes.byteLength; ) {
    signal?.throwIfAborted();
    const length = Math.min(READ_BYTES, bytes.byteLength - done);
    const { bytesRead } = await filing(path, () => handle.read(bytes, done, length, begin + done));
    if (bytesRead === 0) fail("truncated", { file: path }, `the file ends at byte ${begin + done}`, `byte ${end}`);
    done += bytesRead;
  }
  return bytes;
}
