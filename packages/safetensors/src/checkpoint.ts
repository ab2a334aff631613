import { MAX_INDEX_BYTES, parseIndex } from "./checkpoint-index.js";
import { fail, quote, quoteList } from "./error.js";
import { type Folder, httpFolder, localFolder, mapFolder } from "./folder.js";
import { filing, node } from "./node.js";
import { filePath, type OpenOptions, open, webAddress } from "./open.js";
import { type Location, type ReadOptions, readFrom, type TensorSource } from "./reader.js";

/** The one file of a checkpoint that is not sharded, and the index of one that is. */
export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/** Headers read at a time: over HTTP each costs a round trip. */
const PARALLEL = 8;

/** A checkpoint of one or more files, as one source. */
export interface Checkpoint extends TensorSource {
  /** The names of its files. */
  readonly shards: readonly string[];
  /** Tensors that lie in a file although the index does not place them there; they cannot be read by name. */
  readonly unexpected: readonly { readonly tensor: string; readonly file: string }[];
}

/** Where a checkpoint lies: a folder or a file in it, an http(s) address of a folder, or files by name. */
export type CheckpointSource = string | URL | ReadonlyMap<string, Uint8Array | Blob>;

/**
 * Opens a checkpoint: the folder's `model.safetensors.index.json` or `model.safetensors`; or the index or the file that
 * is given itself. All headers are read now, so that every entry of the index is known to exist in its shard
 * (`missing-shard`, `missing-tensor`); the tensors are read when they are asked for.
 *
 * A folder with both files is `ambiguous-checkpoint`: one of them is stale, and nothing says which. `metadata` is that
 * of all shards together, where two differ that of the first.
 */
export async function openCheckpoint(source: CheckpointSource, options: OpenOptions = {}): Promise<Checkpoint> {
  options.signal?.throwIfAborted();
  const given = await locate(source, options);
  if (given.kind === "file") return single(await open(given.file, options), given.name);
  const { folder } = given;
  if (given.kind === "index") return openIndex(folder, given.name, options);

  const [index, whole] = await Promise.all([folder.whole(INDEX_FILE, MAX_INDEX_BYTES), folder.open(SINGLE_FILE)]);
  if (index !== undefined && whole !== undefined) {
    const right = "one of them, or the path of the one to read";
    fail("ambiguous-checkpoint", { file: folder.name }, `both ${INDEX_FILE} and ${SINGLE_FILE} are there`, right);
  }
  if (index !== undefined) return openShards(folder, index, INDEX_FILE, options);
  if (whole !== undefined) return single(await readFrom(whole, options.signal), SINGLE_FILE);
  const right = `${INDEX_FILE} or ${SINGLE_FILE} (give the path of a file with another name)`;
  return fail("no-checkpoint", { file: folder.name }, "there is no checkpoint here", right);
}

type Given =
  | { readonly kind: "folder"; readonly folder: Folder }
  | { readonly kind: "index"; readonly folder: Folder; readonly name: string }
  | { readonly kind: "file"; readonly file: string | URL; readonly name: string };

const INDEX_NAME = /\.index\.json$/;

/** Tells a folder from an index in it and from a file. A file given by its path may be a link to anywhere. */
async function locate(source: CheckpointSource, options: OpenOptions): Promise<Given> {
  if (!(typeof source === "string" || source instanceof URL)) return { kind: "folder", folder: mapFolder(source) };
  const url = webAddress(source);
  if (url !== undefined) return locateAddress(url, options);
  const { fs, path } = await node();
  const local = typeof source === "string" ? source : filePath(source);
  const stat = await filing(local, () => fs.stat(local));
  if (stat.isDirectory()) return { kind: "folder", folder: await localFolder(local) };
  const name = path.basename(local);
  if (!INDEX_NAME.test(name)) return { kind: "file", file: local, name };
  return { kind: "index", folder: await localFolder(path.dirname(local)), name };
}

/** The query of an address stays: it may be what opens the door to every file below it. */
function locateAddress(url: URL, options: OpenOptions): Given {
  const [last = ""] = /[^/]*$/.exec(url.pathname) ?? [];
  const name = decodeURIComponent(last);
  if (name.endsWith(".safetensors")) return { kind: "file", file: url, name };
  if (!INDEX_NAME.test(name)) return { kind: "folder", folder: httpFolder(url, options) };
  const base = new URL(url);
  base.pathname = url.pathname.slice(0, -last.length);
  return { kind: "index", folder: httpFolder(base, options), name };
}

async function openIndex(folder: Folder, file: string, options: OpenOptions): Promise<Checkpoint> {
  const index = await folder.whole(file, MAX_INDEX_BYTES);
  if (index !== undefined) return openShards(folder, index, file, options);
  return fail("not-found", { file: folder.name }, `there is no ${quote(file)}`, "an existing index");
}

async function openShards(folder: Folder, index: Uint8Array, file: string, options: OpenOptions): Promise<Checkpoint> {
  const where = { file: `${folder.name}: ${file}` };
  const weightMap = parseIndex(index, where.file);
  const names = [...new Set(weightMap.values())].sort();
  const opened = new Map<string, TensorSource>();
  const absent: string[] = [];
  for (let at = 0; at < names.length; at += PARALLEL) {
    const openOne = async (name: string) => {
      const source = await folder.open(name);
      if (source === undefined) absent.push(name);
      else opened.set(name, await readFrom(source, options.signal));
    };
    await Promise.all(names.slice(at, at + PARALLEL).map(openOne));
  }
  if (absent.length > 0) {
    fail("missing-shard", where, `${quoteList(absent.sort())} not found`, "every shard of the index in the folder");
  }
  return assemble(weightMap, new Map(names.map((name) => [name, opened.get(name)!])), where);
}

/** Joins the shards, after a look at whether index and headers agree. */
function assemble(
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, TensorSource>,
  where: { readonly file: string },
): Checkpoint {
  const tensors = new Map<string, TensorSource>();
  const missing: string[] = [];
  for (const [tensor, file] of weightMap) {
    const shard = shards.get(file);
    if (shard?.info(tensor) === undefined) missing.push(tensor);
    else tensors.set(tensor, shard);
  }
  if (missing.length > 0) {
    const wrong = `${quoteList(missing)} not in the shard that the index names`;
    fail("missing-tensor", { ...where, tensor: missing[0] }, wrong, "an index that belongs to these shards");
  }
  const unexpected: { tensor: string; file: string }[] = [];
  for (const [file, shard] of shards) {
    for (const tensor of shard.keys()) if (tensors.get(tensor) !== shard) unexpected.push({ tensor, file });
  }
  return new Shards(where.file, tensors, shards, unexpected);
}

function single(file: TensorSource, name: string): Checkpoint {
  return new Shards(name, new Map([...file.keys()].map((tensor) => [tensor, file])), new Map([[name, file]]), []);
}

class Shards implements Checkpoint {
  readonly metadata: ReadonlyMap<string, string>;
  readonly shards: readonly string[];
  readonly unexpected: Checkpoint["unexpected"];
  readonly #name: string;
  readonly #tensors: ReadonlyMap<string, TensorSource>;
  readonly #files: readonly TensorSource[];

  constructor(
    name: string,
    tensors: ReadonlyMap<string, TensorSource>,
    shards: ReadonlyMap<string, TensorSource>,
    unexpected: Checkpoint["unexpected"],
  ) {
    this.#name = name;
    this.#tensors = tensors;
    this.#files = [...shards.values()];
    this.shards = [...shards.keys()];
    this.unexpected = unexpected;
    // Last to first, so that the first shard has the last word.
    this.metadata = new Map(this.#files.toReversed().flatMap((file) => [...file.metadata]));
  }

  keys(): Iterable<string> {
    return this.#tensors.keys();
  }

  info(path: string): ReturnType<TensorSource["info"]> {
    return this.#tensors.get(path)?.info(path);
  }

  async read(path: string, options?: ReadOptions): Promise<Uint8Array> {
    return this.#holder(path).read(path, options);
  }

  async floats(path: string, options?: ReadOptions): Promise<Float32Array> {
    return this.#holder(path).floats(path, options);
  }

  locate(path: string): Location | undefined {
    return this.#tensors.get(path)?.locate(path);
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #holder(path: string): TensorSource {
    const where = { file: this.#name, tensor: path };
    return this.#tensors.get(path) ?? fail("unknown-tensor", where, "there is no such tensor", "a name from keys()");
  }
}
