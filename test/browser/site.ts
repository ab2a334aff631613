import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { sendFile } from "../../packages/hub/test/server.js";
import { root } from "../../scripts/tools.mjs";

const kinds: ReadonlyMap<string, string> = new Map([
  [".js", "text/javascript"],
  [".wasm", "application/wasm"],
  [".json", "application/json"],
]);

/** Below which address files of the repository are served. */
const folders: ReadonlyMap<string, string> = new Map([
  ["model", "test/data/goldens/q3-p16"],
  ["samples", "test/data/samples"],
  ["tfjs", "packages/backend-tfjs/node_modules/@tensorflow/tfjs-backend-wasm/dist"],
]);

/** A server on this machine for what pages ask for. */
export class Site {
  readonly #made = new Map<string, { readonly bytes: Uint8Array; readonly type: string }>();
  readonly #server: Server = createServer((request, response) => {
    const path = new URL(request.url!, "http://localhost").pathname;
    this.asked.push(`${path}${request.headers.range ? ` ${request.headers.range}` : ""}`);
    const made = this.#made.get(path);
    response.setHeader("content-type", made?.type ?? kinds.get(extname(path)) ?? "application/octet-stream");
    for (const [name, value] of Object.entries(this.headers)) response.setHeader(name, value);
    const bytes = made?.bytes ?? fileOf(path);
    if (bytes === undefined) response.writeHead(404).end();
    else sendFile(request, response, bytes);
  });
  /** What was asked for, with its range. */
  readonly asked: string[] = [];
  /** Sent with everything. */
  headers: Readonly<Record<string, string>> = {};
  address = "";

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.address = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  put(path: string, content: string | Uint8Array, type = kinds.get(extname(path)) ?? "text/plain"): void {
    this.#made.set(path, { bytes: typeof content === "string" ? new TextEncoder().encode(content) : content, type });
  }
}

function fileOf(path: string): Uint8Array | undefined {
  const [, top = "", ...rest] = path.split("/");
  const folder = folders.get(top);
  if (folder === undefined || rest.includes("..")) return undefined;
  try {
    return readFileSync(join(root, folder, ...rest));
  } catch {
    return undefined;
  }
}
