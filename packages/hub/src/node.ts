import type * as Crypto from "node:crypto";
import type * as FileSystem from "node:fs/promises";
import type * as Os from "node:os";
import type * as Path from "node:path";
import { SourceError } from "./error.js";

/** The built-ins of Node that the cache needs. */
export interface Node {
  readonly fs: typeof FileSystem;
  readonly path: typeof Path;
  readonly os: typeof Os;
  readonly crypto: typeof Crypto;
}

/**
 * Node's built-ins, loaded on first use under names that bundlers cannot follow: the package then bundles for a page,
 * where only what needs a disk fails, with `no-file-system`.
 */
export async function node(): Promise<Node> {
  try {
    return {
      fs: await builtin<typeof FileSystem>("fs/promises"),
      path: await builtin<typeof Path>("path"),
      os: await builtin<typeof Os>("os"),
      crypto: await builtin<typeof Crypto>("crypto"),
    };
  } catch (cause) {
    throw new SourceError("no-file-system", "there is no disk to keep a model on; open it by ranges instead", {
      cause,
    });
  }
}

function builtin<T>(name: string): Promise<T> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ `node:${name}`) as Promise<T>;
}

const reasons: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "the quota is used up"],
  ["EFBIG", "the file is larger than is allowed here"],
  ["EACCES", "permission is denied"],
  ["EPERM", "permission is denied"],
  ["EROFS", "the disk is read-only"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["ENAMETOOLONG", "the path is too long"],
]);

/** Runs a call of the file system. @throws SourceError `disk` with the path and the system's reason */
export async function filing<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const code = systemCode(cause);
    const reason = reasons.get(code) ?? `the file system says ${code}`;
    throw new SourceError("disk", `${path}: ${reason}; the cache can be elsewhere (HULU_CACHE)`, { cause });
  }
}

export const systemCode = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : error instanceof Error ? error.name : "unknown";

/** `undefined` where there is no such file. */
export async function orAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
    throw error;
  }
}
