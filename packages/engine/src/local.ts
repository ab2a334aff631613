import type * as FileSystem from "node:fs/promises";
import type * as Path from "node:path";
import { builtin } from "./builtin.js";
import { EngineError } from "./error.js";

/** A regular file of a checkpoint's folder. */
interface RealFile {
  /** Where it lies, all links followed. */
  readonly path: string;
  readonly size: number;
}

/**
 * Finds a file of a local checkpoint by its name below the folder. Links are followed inside the folder and, in the cache
 * of the Hugging Face Hub, from `models--org--name/snapshots/<revision>/` to the files of `models--org--name/blobs/`.
 * @returns undefined when there is no such file
 * @throws EngineError `path-outside` for a link that leads elsewhere, `file-missing` for what is no regular file (a folder,
 *   a pipe, a device: it is not opened, since that may wait forever)
 */
export async function realFile(folder: string, name: string): Promise<RealFile | undefined> {
  const { realpath, stat } = await builtin<typeof FileSystem>("fs/promises");
  const { dirname, join, sep } = await builtin<typeof Path>("path");
  try {
    const root = await realpath(folder);
    const path = await realpath(join(root, name));
    const blobs = hubBlobs(root);
    if (!path.startsWith(root + sep) && dirname(path) !== blobs)
      throw new EngineError(
        "path-outside",
        `${name} is a link that leaves the checkpoint's folder; put the file itself there`,
      );
    const info = await stat(path);
    if (!info.isFile()) throw new EngineError("file-missing", `${name} must be a file, and is not one`);
    return { path, size: info.size };
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new EngineError("file-missing", `${name} cannot be read (${code})`, { cause });
  }
}

/** The folder of blobs that belongs to a snapshot in the Hub's cache, else `undefined`. */
function hubBlobs(root: string): string | undefined {
  const match = /^(.*[\\/]models--[^\\/]+)([\\/])snapshots[\\/][^\\/]+$/.exec(root);
  return match === null ? undefined : `${match[1]}${match[2]}blobs`;
}
