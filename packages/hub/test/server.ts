import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { SourceError } from "../src/index.js";
import type { FetchOptions } from "../src/options.js";

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hulu-hub-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server on this machine that is gone after the test; gives its address, ending in a slash. */
export async function temporaryServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** The error that a call rejects with: it must be of this package. */
export async function failureOf(call: () => unknown): Promise<SourceError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(SourceError);
    return error as SourceError;
  }
  throw new Error("the call did not fail");
}
export const codeOf = async (call: () => unknown): Promise<string> => (await failureOf(call)).code;

/** Short waits, and http: what a test needs. */
export const quick = {
  allowHttp: true,
  patience: { attempts: 4, delay: 1, longest: 2_000, stall: 30_000 },
} as const satisfies FetchOptions;

/** Any bytes, the same each time. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** The files of a checkpoint in two shards, and some that nobody needs. */
export function checkpoint(shardBytes = 1000): Map<string, Uint8Array> {
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  return new Map([
    ["config.json", text({ model_type: "x", mm_vision_encoder: "./vision/tower" })],
    ["tokenizer.json", text({ tokens: ["a"] })],
    ["tokenizer_config.json", text({})],
    ["chat_template.jinja", new TextEncoder().encode("{{ messages }}")],
    ["model.safetensors.index.json", text({ weight_map: { a: shards[0], b: shards[1], c: shards[0] } })],
    ...shards.map((name, i) => [name, noise(shardBytes + i, i + 1)] as const),
    ["vision/tower/config.json", text({ vision: true })],
    ["vision/tower/preprocessor_config.json", text({ patch_size: 14 })],
    ["vision/tower/pytorch_model.bin", noise(50)],
    ["pytorch_model.bin", noise(50)],
    ["onnx/model.onnx", noise(50)],
    ["README.md", noise(50)],
  ]);
}

/** Which of them are wanted. */
export const wanted = (files: ReadonlyMap<string, Uint8Array>): string[] =>
  [...files.keys()].filter((name) => !/\.(bin|onnx|md)$/.test(name)).sort();

/** All files below a folder by their paths, without the cache's own. */
async function filesOf(folder: string): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!item.isFile() || item.name === ".hulu.json") continue;
    const path = join(item.parentPath, item.name);
    found.set(path.slice(folder.length + 1).replaceAll("\\", "/"), new Uint8Array(await readFile(path)));
  }
  return found;
}

/** Holds a folder against the files that it must have been made of. */
export async function expectWhole(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const found = await filesOf(folder);
  expect([...found.keys()].sort()).toEqual(wanted(files));
  for (const [name, bytes] of found) expect([name, Buffer.compare(bytes, files.get(name)!)]).toEqual([name, 0]);
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const gitSha1 = (bytes: Uint8Array) =>
  createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex");

/** Sends a file as a good server does: strong tag, ranges, If-Range. */
export function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array, etag?: string): void {
  const tag = etag ?? `"${sha256(bytes).slice(0, 16)}"`;
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const current = request.headers["if-range"] === undefined || request.headers["if-range"] === tag;
  if (range === null || !current) {
    response.writeHead(200, { etag: tag, "content-length": bytes.byteLength }).end(bytes);
    return;
  }
  const [begin, end] = [
    Number(range[1]),
    range[2] ? Math.min(Number(range[2]) + 1, bytes.byteLength) : bytes.byteLength,
  ];
  if (begin >= bytes.byteLength) {
    response.writeHead(416, { "content-range": `bytes */${bytes.byteLength}` }).end();
    return;
  }
  const headers = { etag: tag, "content-range": `bytes ${begin}-${end - 1}/${bytes.byteLength}` };
  response.writeHead(206, { ...headers, "content-length": end - begin }).end(bytes.subarray(begin, end));
}

/** What a test may do with a request in place of the server; false leaves it to the server. */
type Meddle = (request: IncomingMessage, response: ServerResponse, path: string) => boolean | undefined;

/** A hub of one model, `org/name`, with a branch `main` that can be moved. */
export class TestHub {
  readonly commits = new Map<string, ReadonlyMap<string, Uint8Array>>();
  readonly requests: { readonly path: string; readonly headers: IncomingMessage["headers"] }[] = [];
  main = "";
  meddle: Meddle = () => undefined;
  endpoint = "";

  static async start(files: ReadonlyMap<string, Uint8Array> = checkpoint()): Promise<TestHub> {
    const hub = new TestHub();
    hub.push(files);
    hub.endpoint = await temporaryServer((request, response) => hub.#handle(request, response));
    return hub;
  }

  /** A new commit on `main`. */
  push(files: ReadonlyMap<string, Uint8Array>): string {
    this.main = String(this.commits.size + 1).padStart(40, "c");
    this.commits.set(this.main, files);
    return this.main;
  }

  /** The paths that were asked for, of files if `pattern` says so. */
  asked(pattern = /./): string[] {
    return this.requests.map(({ path }) => path).filter((path) => pattern.test(path));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url!, "http://host");
    const path = decodeURIComponent(pathname);
    this.requests.push({ path, headers: request.headers });
    if (this.meddle(request, response, path)) return;
    const json = (value: unknown) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    const revision = /^\/api\/models\/org\/name\/revision\/(.+)$/.exec(path)?.[1];
    if (revision !== undefined) {
      const sha = ["main", "refs/pr/1"].includes(revision) ? this.main : this.commits.has(revision) && revision;
      if (sha) json({ sha, id: "org/name" });
      else response.writeHead(404, { "x-error-code": "RevisionNotFound" }).end();
      return;
    }
    const tree = /^\/api\/models\/org\/name\/tree\/(c[^/]*)\/?(.*)$/.exec(path);
    if (tree !== null) {
      const list = treeOf(this.commits.get(tree[1]!) ?? new Map(), tree[2]!);
      if (list.length > 0) json(list);
      else response.writeHead(404).end();
      return;
    }
    const file = /^\/org\/name\/resolve\/(c[^/]*)\/(.+)$/.exec(path);
    const bytes = file === null ? undefined : this.commits.get(file[1]!)?.get(file[2]!);
    if (bytes === undefined) response.writeHead(404).end();
    else sendFile(request, response, bytes);
  }
}

/** One folder as the Hub lists it: large files with the SHA-256 of LFS, small ones with git's SHA-1. */
function treeOf(files: ReadonlyMap<string, Uint8Array>, folder: string): object[] {
  const prefix = folder === "" ? "" : `${folder}/`;
  const inside = [...files].filter(([name]) => name.startsWith(prefix));
  const folders = new Set(
    inside
      .map(([name]) => name.slice(prefix.length))
      .flatMap((name) => (name.includes("/") ? name.split("/")[0]! : [])),
  );
  return [
    ...[...folders].map((name) => ({ type: "directory", oid: "0".repeat(40), size: 0, path: prefix + name })),
    ...inside
      .filter(([name]) => !name.slice(prefix.length).includes("/"))
      .map(([path, bytes]) => ({
        type: "file",
        path,
        size: bytes.byteLength,
        oid: gitSha1(bytes),
        ...(path.endsWith(".safetensors") && {
          oid: "1".repeat(40),
          lfs: { oid: sha256(bytes), size: bytes.byteLength, pointerSize: 130 },
        }),
      })),
  ];
}
