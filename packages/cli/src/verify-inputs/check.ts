import { readFile } from "node:fs/promises";
import { isAbsolute, join, normalize } from "node:path";
import { ProcessorError } from "@hulu/processor";
import { checkDicom } from "./dicom.js";
import { sha256 } from "./facts.js";
import { Golden } from "./golden.js";
import { checkImage } from "./images.js";
import { checkNifti } from "./nifti.js";
import { checkMember, checkSeries } from "./series.js";
import { checkVideo } from "./video.js";

/** One file or series of a folder, and what is published of it. */
export interface Task {
  readonly root: string;
  /** The key in `files` or `series`: a path below the root. */
  readonly file: string;
  readonly list: "files" | "series";
  /** What is to become of it. */
  readonly expect: unknown;
  readonly entry: unknown;
}

/** What a check found. It is sent between processes as JSON. */
export interface Checked {
  readonly outcome: "decoded" | "rejected";
  /** Why it was rejected; or what is odd about what was decoded. */
  readonly code?: string;
  /** What differs from what is published, or went wrong in a way that no input may. Empty where all holds. */
  readonly wrong: readonly string[];
}

/** What the checks of the kinds of files are given. */
export interface Source {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly golden: Golden;
  readonly expect: unknown;
}

/**
 * @returns the code of what is odd about what was read; undefined where nothing is
 * @throws ProcessorError where it is refused
 */
type Check = (source: Source) => Promise<string | undefined>;

const CHECKS: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ["image", checkImage],
  ["nifti", checkNifti],
  ["dicom", checkDicom],
  ["series", checkMember],
  ["seriesmixed", checkMember],
  ["video", checkVideo],
]);

/** Read a file as the library does, and compare everything that is published of it. It does not throw. */
export async function check(task: Task): Promise<Checked> {
  try {
    return await checkEntry(task, new Golden(task.entry));
  } catch (error) {
    return broken("golden", error);
  }
}

async function checkEntry({ root, file, list, expect }: Task, golden: Golden): Promise<Checked> {
  golden.remarks("kind", "expect", "modality", "how", "note", "reference_decoder", "reference_error");
  if (isAbsolute(file) || normalize(file).startsWith("..")) throw new TypeError("its path leads out of the folder");
  const path = join(root, file);
  if (list === "series") return outcomeOf(golden, () => checkSeries(path, golden));
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return broken("unreadable", error);
  }
  golden.equal("bytes", bytes.length);
  golden.equal("sha256", sha256(bytes));
  const kind = golden.input("kind");
  const run = CHECKS.get(kind);
  if (run === undefined)
    throw new TypeError(`its kind is ${JSON.stringify(kind)}; ${[...CHECKS.keys()].join(", ")} are known`);
  return outcomeOf(golden, () => run({ path, bytes, golden, expect }));
}

async function outcomeOf(golden: Golden, run: () => Promise<string | undefined>): Promise<Checked> {
  const ofTheFile = [...golden.differences()];
  try {
    const code = await run();
    return { outcome: "decoded", ...(code !== undefined && { code }), wrong: golden.finish() };
  } catch (error) {
    if (!(error instanceof ProcessorError)) return broken("crash", error);
    // What is published of its pixels is not looked at: there are none. Of the file itself it is.
    return { outcome: "rejected", code: error.code, wrong: ofTheFile };
  }
}

/** An outcome that is never right, whatever is expected. */
export const broken = (code: string, error: unknown): Checked => ({
  outcome: "rejected",
  code,
  wrong: [error instanceof Error ? `${error.name}: ${error.message}` : String(error)],
});
