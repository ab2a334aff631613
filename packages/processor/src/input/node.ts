/** Modules of Node, loaded on first use under names that bundlers cannot follow: in a page nothing asks for them. */
const load = (name: string) => import(/* webpackIgnore: true */ /* @vite-ignore */ `node:${name}`);

export const nodeFs = (): Promise<typeof import("node:fs/promises")> => load("fs/promises");
export const nodePath = (): Promise<typeof import("node:path")> => load("path");
export const nodeOs = (): Promise<typeof import("node:os")> => load("os");
export const nodeChildProcess = (): Promise<typeof import("node:child_process")> => load("child_process");
export const nodeZlib = (): Promise<typeof import("node:zlib")> => load("zlib");
