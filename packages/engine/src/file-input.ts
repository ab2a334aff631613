import type * as FileSystem from "node:fs/promises";
import { type FileInput, ProcessorError } from "@hulu/processor";
import { builtin } from "./builtin.js";
import type { Files } from "./content.js";

export const isFile = (x: unknown): x is FileInput =>
  typeof x === "string" || x instanceof Uint8Array || x instanceof Blob;

/** A file, or files alone. */
export const areFiles = (x: unknown): x is Files => isFile(x) || (Array.isArray(x) && x.length > 0 && x.every(isFile));

/**
 * Whether all there is to be read lies in these files: not of a folder, nor of the header of a pair, beside which another
 * file is read.
 */
export async function areWhole(files: readonly FileInput[]): Promise<boolean> {
  for (const file of files) {
    if (typeof file !== "string") continue;
    if (/\.hdr(\.gz)?$/i.test(file)) return false;
    const { stat } = await builtin<typeof FileSystem>("fs/promises");
    // What is not there is told by whoever opens it.
    if (
      !(await stat(file).then(
        (found) => found.isFile(),
        () => false,
      ))
    )
      return false;
  }
  return true;
}

/** Bytes that are read at once where a file is only gone through. */
const PIECE = 4 * 1024 ** 2;

/** A file's bytes, some at a time; a piece may be overwritten once the next is asked for. @throws ProcessorError `input-file` */
export async function* filePieces(file: FileInput): AsyncGenerator<Uint8Array> {
  if (typeof file === "string") return yield* pathPieces(file);
  const size = file instanceof Uint8Array ? file.length : file.size;
  for (let at = 0; at < size; at += PIECE)
    yield file instanceof Uint8Array
      ? file.subarray(at, at + PIECE)
      : new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
}

async function* pathPieces(path: string): AsyncGenerator<Uint8Array> {
  const { open, stat } = await builtin<typeof FileSystem>("fs/promises");
  try {
    // Opening a pipe would wait for a writer.
    if (!(await stat(path)).isFile()) throw unreadable("it is no plain file");
    const handle = await open(path, "r");
    try {
      const piece = new Uint8Array(PIECE);
      for (;;) {
        const { bytesRead } = await handle.read(piece, 0, PIECE);
        if (bytesRead === 0) return;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof ProcessorError) throw cause;
    // What the system says names the path.
    throw unreadable(cause instanceof Error && "code" in cause ? String(cause.code) : "unknown");
  }
}

const unreadable = (why: string) => new ProcessorError("input-file", `the file cannot be read (${why})`);
