import type * as FileSystem from "node:fs";
import type * as WorkerThreads from "node:worker_threads";
import type { Backend, BackendOrigin } from "@hulu/core";
import { builtin } from "../builtin.js";
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
  const worker = await createWorker(url, backend.origin as BackendOrigin);
  return worker && { worker, origin: backend.origin, module };
}

export const unavailable = () =>
  new EngineError(
    "worker-unavailable",
    "no worker can be started here by itself; give { worker: () => new Worker(...) } with a file that calls serve({ backend }) of @hulu/engine/worker",
  );

/** Where this file is; nothing where a bundler has made a plain script. In two steps, or bundlers would copy the worker. */
const here: string | undefined = import.meta.url;

/**
 * The module that a backend comes from, if it is one that exports it. In an app that a bundler has made, the file of that
 * URL is the app: a worker must not run it again.
 */
async function moduleOf({ origin }: Backend): Promise<Started["module"]> {
  if (typeof origin?.module !== "string" || origin.module === here) return undefined;
  // It was imported already to make the backend, so nothing is fetched or run here.
  const module = await soon(import(/* webpackIgnore: true */ /* @vite-ignore */ origin.module).catch(() => undefined));
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

/** The built worker beside this file, if it is there; in a page only an attempt can tell. */
async function entryUrl(): Promise<URL | undefined> {
  if (typeof here !== "string") return undefined;
  const url = new URL("./worker-entry.js", here);
  if (url.protocol !== "file:") return url;
  const { existsSync } = await builtin<typeof FileSystem>("fs");
  return existsSync(url) ? url : undefined;
}

async function createWorker(url: URL, origin: BackendOrigin): Promise<WorkerLike | undefined> {
  if (url.protocol !== "file:") return createPageWorker([origin.module, url.href]);
  const threads = await builtin<typeof WorkerThreads>("worker_threads");
  // A caller that is itself a worker has moved off the main thread already. A native library reads the process's own
  // environment, of which a worker would have a copy: what a backend sets for its library must be seen.
  return threads.isMainThread ? new threads.Worker(url, { env: threads.SHARE_ENV }) : undefined;
}

/** @param modules the backend's, which may have imports that no worker can follow, and the worker, which greets then */
async function createPageWorker(modules: readonly string[]): Promise<WorkerLike | undefined> {
  if (typeof Worker !== "function" || typeof document === "undefined") return undefined;
  // A worker's script must be of the page's own origin; what it imports need not.
  const script = modules.map((url) => `import ${JSON.stringify(url)};`).join("\n");
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    const worker = new Worker(address, { type: "module" });
    if (await greets(worker)) return worker;
    worker.terminate();
  } catch {
    // A policy of the page forbids such workers.
  } finally {
    URL.revokeObjectURL(address);
  }
  return undefined;
}

/** Whether all that a worker imports was found. */
const greets = (worker: Worker): Promise<boolean> =>
  new Promise((resolve) => {
    worker.addEventListener("message", () => resolve(true), { once: true });
    worker.addEventListener("error", () => resolve(false), { once: true });
  });
