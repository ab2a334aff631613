import type { Backend, BackendOrigin } from "@hulu/core";
import { EngineError } from "../error.js";
import type { WorkerLike } from "./port.js";

/** A worker, and what it imports to have the backend. */
export interface Started {
  readonly worker: WorkerLike;
  readonly origin: BackendOrigin | undefined;
  /** The backend's module: its classes of errors are in it. */
  readonly module: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Start the worker that runs a model.
 * @returns undefined where none can be started by itself: the backend cannot say where it comes from, or a bundler has
 *   put everything into one file
 */
export async function startWorker(backend: Backend): Promise<Started | undefined> {
  const url = await entryUrl();
  if (url === undefined) return undefined;
  const module = await moduleOf(backend);
  if (module === undefined) return undefined;
  const worker = await createWorker(url);
  return worker && { worker, origin: backend.origin, module };
}

export const unavailable = () =>
  new EngineError(
    "worker-unavailable",
    "no worker can be started here by itself; give { worker: () => new Worker(...) } with a file that calls serve({ backend }) of @hulu/engine/worker",
  );

/**
 * The module that a backend comes from, if it is one that exports it. In an app that a bundler has made, the file of that
 * URL is the app: a worker must not run it again.
 */
async function moduleOf({ origin }: Backend): Promise<Started["module"]> {
  if (origin === undefined) return undefined;
  // It was imported already to make the backend, so nothing is fetched or run here.
  const module = await soon(import(/* @vite-ignore */ origin.module).catch(() => undefined));
  return module?.[origin.name] === undefined ? undefined : module;
}

/** Milliseconds within which a module is given that has run already. */
const SOON = 1000;

/** An app in one file that loads a model at its top level has not run yet: its import would wait for us, and we for it. */
async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), SOON);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The built worker beside this file, if it is there. */
async function entryUrl(): Promise<URL | undefined> {
  const url = new URL("./worker-entry.js", import.meta.url);
  if (url.protocol !== "file:") return url;
  const { existsSync } = await import("node:fs");
  return existsSync(url) ? url : undefined;
}

async function createWorker(url: URL): Promise<WorkerLike | undefined> {
  if (url.protocol === "file:") {
    const threads = await import("node:worker_threads");
    // A caller that is itself a worker has moved off the main thread already. A native library reads the process's own
    // environment, of which a worker would have a copy: what a backend sets for its library must be seen.
    return threads.isMainThread ? new threads.Worker(url, { env: threads.SHARE_ENV }) : undefined;
  }
  if (typeof Worker !== "function" || typeof document === "undefined") return undefined;
  // A worker's script must be of the page's own origin; what it imports need not.
  const script = new Blob([`import ${JSON.stringify(String(url))};`], { type: "text/javascript" });
  const address = URL.createObjectURL(script);
  const worker = new Worker(address, { type: "module" });
  const greeted = await new Promise<boolean>((resolve) => {
    worker.addEventListener("message", () => resolve(true), { once: true });
    worker.addEventListener("error", () => resolve(false), { once: true });
  });
  URL.revokeObjectURL(address);
  if (greeted) return worker;
  worker.terminate();
  return undefined;
}
