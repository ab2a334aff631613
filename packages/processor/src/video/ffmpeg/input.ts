import type { FileInput } from "../../input/file.js";
import { nodeFs, nodeOs, nodePath } from "../../input/node.js";

/**
 * Runs something with a path that ffmpeg can open. Bytes and Blobs are written to a file that only this user can read, and
 * that is removed when it is done: containers are read back and forth, which a pipe does not let them.
 */
export async function withPath<T>(input: FileInput, run: (path: string) => Promise<T>): Promise<T> {
  const place = await placed(input);
  try {
    return await run(place.path);
  } finally {
    await place.remove();
  }
}

/** {@link withPath} in two halves. */
export async function placed(input: FileInput): Promise<{ path: string; remove(): Promise<void> }> {
  const { join, resolve } = await nodePath();
  if (typeof input === "string") return { path: resolve(input), remove: async () => {} };
  const { mkdtemp, open, rm } = await nodeFs();
  const folder = await mkdtemp(join((await nodeOs()).tmpdir(), "hulu-clip-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, "clip");
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of chunks(input)) await file.write(chunk);
    } finally {
      await file.close();
    }
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function* chunks(input: Uint8Array | Blob): AsyncGenerator<Uint8Array> {
  if (input instanceof Uint8Array) yield input;
  else yield* input.stream() as unknown as AsyncIterable<Uint8Array>;
}
