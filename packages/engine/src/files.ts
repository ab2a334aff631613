import type * as FileSystem from "node:fs/promises";
import { builtin } from "./builtin.js";
import { EngineError } from "./error.js";
import { parseJson } from "./json.js";
import { realFile } from "./local.js";

/**
 * Where a checkpoint's files are: a folder of the local disk, an https address of one, `hf:owner/name[@revision]`, or files
 * by name (in a browser, say).
 */
export type CheckpointSource = string | ReadonlyMap<string, Uint8Array | Blob>;

/** Reads the small files of a checkpoint, none of them larger than it may be. */
export interface Files {
  /** A file's text, or undefined when there is none of that name. */
  text(name: string, mostBytes: number): Promise<string | undefined>;
}

const tooLarge = (name: string, size: number, most: number) =>
  new EngineError("file-too-large", `${name} has ${size} bytes; such a file has at most ${most}`);

export const openFiles = (source: CheckpointSource): Files =>
  typeof source === "string" ? folder(source) : inMemory(source);

function inMemory(files: ReadonlyMap<string, Uint8Array | Blob>): Files {
  return {
    text: async (name, most) => {
      const file = files.get(name);
      if (file === undefined) return undefined;
      const size = file instanceof Blob ? file.size : file.byteLength;
      if (size > most) throw tooLarge(name, size, most);
      return file instanceof Blob ? file.text() : new TextDecoder().decode(file);
    },
  };
}

function folder(path: string): Files {
  return {
    text: async (name, most) => {
      const { readFile } = await builtin<typeof FileSystem>("fs/promises");
      const file = await realFile(path, name);
      if (file === undefined) return undefined;
      if (file.size > most) throw tooLarge(name, file.size, most);
      return readFile(file.path, "utf8");
    },
  };
}

export const MIB = 1024 ** 2;

/** A JSON file of a checkpoint, parsed; undefined when there is none. */
export async function readJson(files: Files, name: string, mostBytes: number): Promise<unknown> {
  const text = await files.text(name, mostBytes);
  return text === undefined ? undefined : parseJson(text, name);
}

/** The same of a file that must be there. */
export async function needJson(files: Files, name: string, mostBytes: number): Promise<unknown> {
  const json = await readJson(files, name, mostBytes);
  if (json === undefined) throw new EngineError("file-missing", `the checkpoint has no ${name}; is this its folder?`);
  return json;
}

/**
 * A path that a config gives for something inside the checkpoint's folder.
 * @throws EngineError `path-outside` for one that is absolute or leaves the folder
 */
export function inside(path: string, field: string): string {
  const parts = path.replaceAll("\\", "/").split("/");
  const absolute = parts[0] === "" || /^[A-Za-z]:/.test(path);
  if (absolute || parts.includes("..") || path.includes("\0"))
    throw new EngineError(
      "path-outside",
      `config.json: ${field} leaves the checkpoint's folder; put a folder inside it, or vision_encoder_config into config.json`,
    );
  return parts.filter((p) => p !== "." && p !== "").join("/");
}
