import type * as FileSystem from "node:fs/promises";
import type * as Path from "node:path";
import { fail, type SafetensorsErrorCode } from "./error.js";

/** The two Node built-ins of this package. */
export interface Node {
  readonly fs: typeof FileSystem;
  readonly path: typeof Path;
}

/**
 * Node's built-ins, loaded on first use under names that bundlers cannot follow: the package then bundles for a
 * browser, where only the functions that take a path fail, with `no-file-system`.
 */
export async function node(): Promise<Node> {
  try {
    return { fs: await builtin<typeof FileSystem>("fs/promises"), path: await builtin<typeof Path>("path") };
  } catch (cause) {
    return fail("no-file-system", {}, "there are no files here", "Node, or a Blob, an http address or bytes", cause);
  }
}

function builtin<T>(name: string): Promise<T> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ `node:${name}`) as Promise<T>;
}

/** Runs a call of the file system; its failure becomes `not-found` or `io` with the path and the system's own words. */
export async function filing<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const reason = systemCode(cause);
    const absent = reason === "ENOENT" || reason === "ENOTDIR";
    const code: SafetensorsErrorCode = absent ? "not-found" : "io";
    const wrong = absent ? "there is no such file or folder" : `the file system says ${reason}`;
    return fail(code, { file: path }, wrong, absent ? "an existing path" : "a path that can be used", cause);
  }
}

function systemCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
