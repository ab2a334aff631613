import { ProcessorError } from "../errors.js";
import { type InputLimits, inputLimits } from "./limits.js";
import { nodeFs } from "./node.js";

/** A file as it comes: a path (Node), its bytes, or a Blob (a `File` of a page, or `fs.openAsBlob` in Node). */
export type FileInput = string | Uint8Array | Blob;

/**
 * The bytes of what a reader of bytes was given; a Blob's are read.
 * @throws ProcessorError `input-file` for anything else, a path above all; `input-too-large` for a Blob over `maxBytes`
 */
export async function heldBytes(input: Uint8Array | Blob, maxBytes: number): Promise<Uint8Array> {
  if (input instanceof Uint8Array) return input;
  if (!isBlob(input))
    throw new ProcessorError("input-file", "give the file's bytes (a Uint8Array) or a Blob; fileBytes reads a path");
  checkBytes(input.size, maxBytes);
  return new Uint8Array(await input.arrayBuffer());
}

/** By what it can do: a page's frames each have a Blob of their own. */
function isBlob(input: unknown): input is Blob {
  const { arrayBuffer, slice } = (input ?? {}) as { readonly arrayBuffer?: unknown; readonly slice?: unknown };
  return typeof arrayBuffer === "function" && typeof slice === "function";
}

/**
 * The bytes of a file that is there as a path, bytes or a Blob, its size checked before it is read.
 * @throws ProcessorError `input-file` where the path is no plain file (a folder, a pipe, a device), or cannot be read;
 *   `input-too-large` where it is larger than `maxBytes`
 */
export async function fileBytes(
  input: FileInput,
  options: { readonly limits?: InputLimits } = {},
): Promise<Uint8Array> {
  const { maxBytes } = inputLimits(options.limits);
  if (input instanceof Uint8Array) {
    checkBytes(input.length, maxBytes);
    return input;
  }
  if (typeof input !== "string" && isBlob(input)) return heldBytes(input, maxBytes);
  checkBytes(await fileSize(input), maxBytes);
  const { readFile } = await nodeFs();
  return guarded(async () => new Uint8Array(await readFile(input)));
}

/** The first bytes of a file, at most so many; for telling its format. */
export async function fileHead(input: FileInput, length: number): Promise<Uint8Array> {
  if (input instanceof Uint8Array) return input.subarray(0, length);
  if (typeof input !== "string" && isBlob(input)) return new Uint8Array(await input.slice(0, length).arrayBuffer());
  await fileSize(input);
  const { open } = await nodeFs();
  return guarded(async () => {
    const file = await open(input, "r");
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  });
}

/** Bytes of a file. @throws ProcessorError `input-file`, where it is no plain one; see {@link fileBytes} */
export async function fileSize(input: FileInput): Promise<number> {
  if (input instanceof Uint8Array) return input.length;
  if (typeof input !== "string") {
    if (isBlob(input)) return input.size;
    throw new ProcessorError("input-file", "a file is its path, its bytes (a Uint8Array) or a Blob");
  }
  const { stat } = await nodeFs();
  const found = await guarded(() => stat(input));
  // Opening a pipe waits for a writer, a device never ends.
  if (!found.isFile()) throw new ProcessorError("input-file", "the path leads to no plain file");
  return found.size;
}

/** @throws ProcessorError `input-too-large` */
export function checkBytes(size: number, maxBytes: number): void {
  if (size > maxBytes)
    throw new ProcessorError("input-too-large", `the file has ${size} bytes, over the limit of ${maxBytes} (maxBytes)`);
}

/** What the system says names the path, so only its code is told. */
async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    throw new ProcessorError("input-file", `the file cannot be read (${typeof code === "string" ? code : "unknown"})`);
  }
}
