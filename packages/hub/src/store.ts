import { SourceError } from "./error.js";
import { field, isName } from "./names.js";
import { filing, node, orAbsent, systemCode } from "./node.js";
import type { Entry, Plan } from "./plan.js";
import { environment } from "./platform.js";

/**
 * What the cache has of one model:
 *
 *     refs/main             the version that a branch (or an address) had last
 *     snapshots/<version>/  a checkpoint's files, whole and verified: the folder is renamed into its place when it is
 *     blobs/<key>           the same files by content (hard links, so they take their space once)
 *     partial/              files on their way, and locks
 */
export class Store {
  constructor(readonly root: string) {}

  blob(key: string): string {
    return `${this.root}/blobs/${key}`;
  }
  partial(name: string): string {
    return `${this.root}/partial/${name}`;
  }
  snapshot(id: string): string {
    return `${this.root}/snapshots/${id}`;
  }

  async prepare(): Promise<void> {
    const { fs } = await node();
    for (const folder of ["blobs", "partial", "refs", "snapshots"])
      await filing(this.root, () => fs.mkdir(`${this.root}/${folder}`, { recursive: true }));
    await this.#sweep("snapshots", (name) => name.endsWith(".tmp"));
    await this.#sweep("refs", (name) => name.endsWith(".tmp"));
  }

  /** Removes what processes that were killed have left of a file: all but what can be gone on with. */
  async sweepParts(key: string): Promise<void> {
    const kept = new Set(["json", "lock"].map((end) => `${key}.${end}`));
    const { fs } = await node();
    const note = await fs.readFile(this.partial(`${key}.json`), "utf8").catch(() => "");
    const id = field(parsed(note), "id");
    await this.#sweep("partial", (name) => name.startsWith(`${key}.`) && !kept.has(name) && name !== `${key}.${id}`);
  }

  async #sweep(folder: string, isLeft: (name: string) => boolean): Promise<void> {
    const { fs } = await node();
    const names = await fs.readdir(`${this.root}/${folder}`).catch(() => []);
    for (const name of names.filter(isLeft)) {
      const path = `${this.root}/${folder}/${name}`;
      const stat = await fs.lstat(path).catch(() => undefined);
      // What cannot be removed does no harm but for its space.
      if (stat !== undefined && Date.now() - stat.mtimeMs > ABANDONED)
        await fs.rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** The path of a blob that is there with its size. One of another size was damaged, and is removed. */
  async whole({ key, size }: Entry): Promise<string | undefined> {
    const { fs } = await node();
    const path = this.blob(key);
    const stat = await filing(path, () => orAbsent(fs.lstat(path)));
    if (stat === undefined) return undefined;
    if (stat.isFile() && (size === undefined || stat.size === size)) return path;
    await filing(path, () => fs.rm(path, { force: true, recursive: true }));
    return undefined;
  }

  /** The folder of a version, if all its files are there with their sizes. */
  async find(id: string): Promise<string | undefined> {
    const { fs } = await node();
    const folder = this.snapshot(id);
    const text = await filing(folder, () => orAbsent(fs.readFile(`${folder}/${MANIFEST}`, "utf8")));
    const files = text === undefined ? undefined : manifestFiles(text);
    if (files === undefined) return undefined;
    for (const { name, size } of files) {
      const stat = await filing(folder, () => orAbsent(fs.lstat(`${folder}/${name}`)));
      if (stat?.isFile() !== true || stat.size !== size) return undefined;
    }
    return folder;
  }

  /** Makes the folder of a version from its blobs: beside its place, then renamed. */
  async assemble(source: string, { id, entries }: Plan): Promise<string> {
    const { fs, path } = await node();
    const folder = this.snapshot(id);
    const aside = `${folder}.${globalThis.crypto.randomUUID()}.tmp`;
    try {
      await filing(aside, () => fs.mkdir(aside));
      const files: { name: string; size: number }[] = [];
      for (const entry of entries) {
        const file = `${aside}/${entry.name}`;
        await filing(file, () => fs.mkdir(path.dirname(file), { recursive: true }));
        await linkOrCopy(this.blob(entry.key), file);
        files.push({ name: entry.name, size: (await filing(file, () => fs.stat(file))).size });
      }
      await writeWhole(`${aside}/${MANIFEST}`, JSON.stringify({ format: FORMAT, source, files }, undefined, 1));
      await syncFolder(aside);
      return await this.#place(id, aside, folder);
    } finally {
      await fs.rm(aside, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  async #place(id: string, aside: string, folder: string): Promise<string> {
    const { fs } = await node();
    for (let attempt = 0; ; attempt++) {
      try {
        await fs.rename(aside, folder);
        await syncFolder(`${this.root}/snapshots`);
        return folder;
      } catch (error) {
        // Another process was first; or what is there was damaged, and makes room.
        if ((await this.find(id)) !== undefined) return folder;
        const there = await orAbsent(fs.lstat(folder));
        if (there === undefined || attempt === 3) return filing(folder, () => Promise.reject(error));
        const old = `${folder}.${globalThis.crypto.randomUUID()}.tmp`;
        await fs.rename(folder, old).catch(() => undefined);
        await fs.rm(old, { recursive: true, force: true }).catch(() => undefined);
      }
    }
  }

  /** The version that a branch or a tag had when it was last looked at. */
  async ref(revision: string): Promise<string | undefined> {
    const { fs } = await node();
    const path = await this.#refPath(revision);
    const text = await filing(path, () => orAbsent(fs.readFile(path, "utf8")));
    const json = text === undefined ? undefined : parsed(text);
    const id = field(json, "id");
    // Where names differ only in case, a disk may take one for the other.
    return field(json, "revision") === revision && typeof id === "string" && /^[0-9a-f]{40,64}$/.test(id)
      ? id
      : undefined;
  }

  async setRef(revision: string, id: string): Promise<void> {
    await writeWhole(await this.#refPath(revision), JSON.stringify({ revision, id }));
  }

  async #refPath(revision: string): Promise<string> {
    const name = encodeURIComponent(revision).replaceAll("*", "%2A");
    if (name.length <= 150) return `${this.root}/refs/${name}`;
    const { crypto } = await node();
    return `${this.root}/refs/${crypto.createHash("sha256").update(revision).digest("hex")}`;
  }
}

const MANIFEST = ".hulu.json";
/** Goes up when other files of a checkpoint are wanted: folders that were made before are then made anew. */
const FORMAT = 1;

/** After so many milliseconds without a write, nobody is at work on a file any more. */
const ABANDONED = 60 * 60 * 1000;

function manifestFiles(text: string): readonly { readonly name: string; readonly size: number }[] | undefined {
  const json = parsed(text);
  const files = field(json, "files");
  if (!Array.isArray(files) || field(json, "format") !== FORMAT) return undefined;
  const read = files.map((file) => ({ name: field(file, "name"), size: field(file, "size") }));
  const fits = (file: (typeof read)[number]): file is { name: string; size: number } =>
    typeof file.name === "string" && typeof file.size === "number" && isName(file.name);
  return read.every(fits) ? read : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A hard link where the disk has them; a copy elsewhere, which takes the space twice. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  const { fs } = await node();
  try {
    await fs.link(from, to);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw new SourceError("disk", `${from} was removed while it was needed`);
    await filing(to, () => fs.copyFile(from, to));
  }
}

/** Writes a small file beside its place, flushes it, and renames it. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const { fs } = await node();
  const aside = `${path}.${globalThis.crypto.randomUUID()}.tmp`;
  try {
    await filing(path, async () => {
      await fs.writeFile(aside, text, { flag: "wx", flush: true });
      await fs.rename(aside, path);
    });
  } catch (error) {
    await fs.rm(aside, { force: true }).catch(() => undefined);
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

/** Where models are kept: `HULU_CACHE`, or a folder of the platform's cache. */
export async function cacheFolder(): Promise<string> {
  const { path, os } = await node();
  const given = environment("HULU_CACHE");
  if (given !== undefined) return path.resolve(given);
  if (process.platform === "darwin") return path.join(os.homedir(), "Library", "Caches", "hulu");
  if (process.platform === "win32")
    return path.join(environment("LOCALAPPDATA") ?? path.join(os.homedir(), "AppData", "Local"), "hulu");
  const xdg = environment("XDG_CACHE_HOME");
  // The XDG specification: a relative path there is to be ignored.
  return path.join(xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(os.homedir(), ".cache"), "hulu");
}
