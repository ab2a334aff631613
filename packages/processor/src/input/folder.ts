import { ProcessorError } from "../errors.js";
import { nodeFs, nodePath } from "./node.js";

/** Folders inside folders that are gone into: a study as it is exported has series inside patients inside discs. */
const DEPTH = 8;

/** Whether a path leads to a folder; no, where it leads nowhere. */
export async function isFolder(path: string): Promise<boolean> {
  const { stat } = await nodeFs();
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * The plain files below a folder, by the order of their paths, as Python's `sorted` has it. Hidden files and links are left out.
 * @throws ProcessorError `input-file` where a folder cannot be read or is empty, `input-too-large` where there are more than `most`
 */
export async function plainFiles(folder: string, most: number): Promise<string[]> {
  const { readdir } = await nodeFs();
  const { join } = await nodePath();
  const found: string[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: { readonly code?: unknown }) => {
      throw new ProcessorError("input-file", `a folder cannot be read (${String(cause.code ?? "unknown")})`);
    });
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      if (entry.isFile()) found.push(join(path, entry.name));
      else if (entry.isDirectory() && depth < DEPTH) await walk(join(path, entry.name), depth + 1);
      if (found.length > most)
        throw new ProcessorError("input-too-large", `the folder holds more than ${most} files (maxFrames)`);
    }
  };
  await walk(folder, 0);
  if (found.length === 0) throw new ProcessorError("input-file", "the folder holds no file");
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** The .img half beside a .hdr half, if it is there. */
export async function pairedImage(path: string): Promise<string | undefined> {
  const name = /^(.*)\.hdr(\.gz)?$/i.exec(path)?.[1];
  if (name === undefined) return undefined;
  const { stat } = await nodeFs();
  for (const ending of [".img", ".img.gz", ".IMG"]) {
    const found = await stat(name + ending).catch(() => undefined);
    if (found?.isFile()) return name + ending;
  }
  return undefined;
}
