import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError, unreadable } from "../errors.js";
import type { Task } from "./check.js";

type Fields = Readonly<Record<string, unknown>>;
const isFields = (json: unknown): json is Fields => typeof json === "object" && json !== null && !Array.isArray(json);

/**
 * What is to be checked of a folder: a file of each key of `files`, unless nothing is expected of it, and a series of each key
 * of `series`.
 * @throws UsageError where the folder cannot be read or is not laid out so
 */
export async function tasksOf(root: string): Promise<readonly Task[]> {
  const file = join(root, "goldens.json");
  const text = await readFile(file, "utf8").catch(unreadable(file));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${file} is not JSON`, { cause });
  }
  if (!isFields(json) || !isFields(json.files)) throw new UsageError(`${file} lists no files`);
  if (json.series !== undefined && !isFields(json.series)) throw new UsageError(`${file}: series is not an object`);
  const files = Object.entries(json.files);
  const tasks: Task[] = files
    .map(([name, entry]) => ({ root, file: name, list: "files", entry, expect: expectOf(entry) }) as const)
    .filter(({ expect }) => expect !== "none");
  for (const [name, entry] of Object.entries(json.series ?? {}))
    tasks.push({ root, file: name, list: "series", entry, expect: expectOf(entry) ?? expectOfMembers(name, files) });
  if (tasks.length === 0) throw new UsageError(`${file} lists nothing to check`);
  return tasks;
}

const expectOf = (entry: unknown): unknown => (isFields(entry) ? entry.expect : undefined);

/** A series says nothing itself: what is expected of it is what is expected of its files, of different ones the most lenient. */
function expectOfMembers(series: string, files: readonly (readonly [string, unknown])[]): unknown {
  const members = files.filter(([name]) => name.startsWith(`${series}/`)).map(([, entry]) => expectOf(entry));
  const [only = "decode", ...more] = new Set(members.filter((expect) => expect !== "none"));
  return more.length === 0 ? only : ([only, ...more].find((e) => String(e).endsWith("_or_warn")) ?? "decode_or_warn");
}
