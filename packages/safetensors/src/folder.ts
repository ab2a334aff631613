import { fail } from "./error.js";
import { filing, node } from "./node.js";
import { type ByteSource, blobSource, memorySource, orAbsent, readExactly } from "./source.js";
import { fileSource } from "./source-file.js";
import { addressName, type HttpOptions, httpSource, httpWhole } from "./source-http.js";

/** A place that holds the files of a checkpoint by plain name. A file that is not there is `undefined`. */
export interface Folder {
  /** For messages. */
  readonly name: string;
  open(file: string): Promise<ByteSource | undefined>;
  /** A small file as a whole; longer than `limit` bytes is an error. */
  whole(file: string, limit: number): Promise<Uint8Array | undefined>;
}

/**
 * A local folder. Links are followed to files inside it, and, in the cache of the Hugging Face Hub, from
 * `models--org--name/snapshots/<revision>/` to `models--org--name/blobs/`; a link that leads elsewhere is `unsafe-path`,
 * so that an unpacked checkpoint cannot name files of the machine.
 */
export async function localFolder(path: string): Promise<Folder> {
  const { fs, path: paths } = await node();
  const real = await filing(path, () => fs.realpath(path));
  const blobs = hubBlobs(real);

  const openFile = async (file: string) => {
    const inside = paths.join(path, file);
    const source = await orAbsent(fileSource(inside));
    const within = (root: string | undefined) => root !== undefined && source?.path?.startsWith(root + paths.sep);
    if (source !== undefined && !within(real) && !within(blobs)) {
      fail("unsafe-path", { file: inside }, "the link leads out of the checkpoint", "a file in the folder");
    }
    return source;
  };
  return { name: path, open: openFile, whole: (file, limit) => wholeOf(openFile(file), limit) };
}

/** The folder of blobs that belongs to a snapshot in the Hub's cache, else `undefined`. */
function hubBlobs(real: string): string | undefined {
  const match = /^(.*[\\/]models--[^\\/]+)([\\/])snapshots[\\/][^\\/]+$/.exec(real);
  return match === null ? undefined : `${match[1]}${match[2]}blobs`;
}

/** Files below an address. Shards are read by ranges, the index as a whole. */
export function httpFolder(base: URL, options: HttpOptions): Folder {
  const folder = new URL(base);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  const at = (file: string) => {
    const url = new URL(folder);
    url.pathname += encodeURIComponent(file);
    return url;
  };
  return {
    name: addressName(folder),
    open: (file) => orAbsent(httpSource(at(file), options)),
    whole: (file, limit) => orAbsent(httpWhole(at(file), options, limit)),
  };
}

/** Files in memory, or picked by a user in a browser, by name. */
export function mapFolder(files: ReadonlyMap<string, Uint8Array | Blob>): Folder {
  const openFile = async (file: string) => {
    const content = files.get(file);
    if (content === undefined) return undefined;
    return content instanceof Uint8Array ? memorySource(content, file) : blobSource(content, file);
  };
  return { name: "files", open: openFile, whole: (file, limit) => wholeOf(openFile(file), limit) };
}

async function wholeOf(opening: Promise<ByteSource | undefined>, limit: number): Promise<Uint8Array | undefined> {
  const source = await opening;
  if (source === undefined) return undefined;
  if (source.size > limit) {
    fail("bad-index", { file: source.name }, `the file has ${source.size} bytes`, `at most ${limit}`);
  }
  return readExactly(source, 0, source.size);
}
