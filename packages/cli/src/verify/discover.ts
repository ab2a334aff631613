import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Backend } from "@hulu/core";
import { parseJson } from "@hulu/processor";
import { UsageError, unreadable } from "../errors.js";
import type { Check, Json } from "./json.js";
import { imageprocChecks, sizeChecks } from "./json-images.js";
import { niftiChecks } from "./json-nifti.js";
import { ancestorChecks, chatChecks, customTemplateChecks, samplingChecks, thinkChecks } from "./json-text.js";
import { maskRows } from "./masks.js";
import { gradientRows, modelCase } from "./model-case.js";
import { failure, type Row, rowOf } from "./row.js";
import { openVariant, type Variant } from "./variant.js";

/** One case of a folder: its name, and how to get its rows. */
export interface Task {
  readonly name: string;
  /** The checkpoint it needs; tasks of one are run together. */
  readonly variant?: string;
  readonly run: () => Promise<Row[]>;
}

/** Opens each checkpoint once, when the first case needs it. */
export class Variants {
  readonly #open = new Map<string, Promise<Variant>>();
  constructor(
    readonly backend: Backend,
    readonly signal: AbortSignal,
  ) {}

  get(folder: string): Promise<Variant> {
    const known = this.#open.get(folder) ?? openVariant(folder, this.backend, this.signal);
    this.#open.set(folder, known);
    return known;
  }
  async close(folder: string): Promise<void> {
    const variant = this.#open.get(folder);
    this.#open.delete(folder);
    await variant?.then((v) => v.dispose()).catch(() => undefined);
  }
}

/**
 * The cases of a folder of goldens.
 * @throws UsageError when there is no such folder, or one in it cannot be read
 */
export async function discover(root: string, variants: Variants): Promise<Task[]> {
  const info = await stat(root).catch(() => undefined);
  if (!info?.isDirectory()) throw new UsageError(`${root} is not a folder that can be read`);
  const tasks: Task[] = [];
  const files = await filesOf(root);
  for (const file of files) tasks.push(...taskOf(root, file, files.includes("config.json"), variants));
  return tasks;
}

/** All files, with `/` between the folders, in order. */
async function filesOf(root: string, folder = ""): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(unreadable(join(root, folder)));
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesOf(root, path)));
    else found.push(path);
  }
  return found;
}

/**
 * Whether a JSON file is a table of entries: those of the root and of two folders are. Where the folder that was named is
 * itself a checkpoint, the JSON files in it are its own.
 */
const isTable = (file: string, checkpoint: boolean): boolean =>
  file.endsWith(".json") && (file.includes("/") ? /^(imageproc|nifti)\/[^/]+$/.test(file) : !checkpoint);

function taskOf(root: string, file: string, alone: boolean, variants: Variants): Task[] {
  const name = file.replace(/\.(safetensors|json)$/, "");
  const stem = basename(name);
  const path = join(root, file);
  const folder = dirname(path);
  const variant = () => variants.get(folder);
  if (file.endsWith(".safetensors")) {
    if (/^case-.*-grads$/.test(stem)) return [{ name, run: () => gradientRows(name, path, variants.backend.name) }];
    if (stem === "case-packed") return [];
    if (stem.startsWith("case-")) return [{ name, variant: folder, run: () => modelCase(name, path, variant) }];
    if (stem.startsWith("masks-")) return [{ name, variant: folder, run: () => maskRows(name, path, variant) }];
    return [];
  }
  return isTable(file, alone) ? [{ name, run: () => jsonRows(name, path, root) }] : [];
}

async function jsonRows(name: string, path: string, root: string): Promise<Row[]> {
  try {
    const text = await readFile(path, "utf8");
    // Templates tell Python's 7.0 from 7, so what they are given must too.
    const json: Json = basename(path).startsWith("chat") ? parseJson(text) : JSON.parse(text);
    const rows: Row[] = [];
    for (const { stage, run } of await checksOf(name, json, root, dirname(path)))
      rows.push(await rowOf(name, stage, run));
    return rows;
  } catch (error) {
    return [failure(name, "", error)];
  }
}

function checksOf(name: string, json: Json, root: string, folder: string): Check[] | Promise<Check[]> {
  switch (basename(name)) {
    case "think":
      return thinkChecks(json);
    case "video-sampling":
      return samplingChecks(json);
    case "chat":
      return chatChecks(json, root);
    case "chat-hf-ancestor":
      return ancestorChecks(json);
    case "chat-custom-template":
      return customTemplateChecks(json);
    case "imageproc":
      return imageprocChecks(json, folder);
    case "sizes":
      return sizeChecks(json);
    case "nifti":
      return niftiChecks(json, folder);
    default:
      throw new Error(`nothing is known of a file ${name}.json`);
  }
}
