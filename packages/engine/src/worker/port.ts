import type * as WorkerThreads from "node:worker_threads";
import { builtin } from "../builtin.js";
import type { Port } from "./protocol.js";

/** A `Worker` of a page, or one of Node's worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): unknown;
}

/** How the two kinds are listened to, and what only Node's have. */
interface Listens {
  addEventListener?(type: "message" | "error" | "messageerror", listener: (event: never) => void): void;
  on?(event: "message" | "error" | "exit", listener: (value: never) => void): void;
  ref?(): void;
  unref?(): void;
}
const listens = (worker: WorkerLike): Listens => worker as unknown as Listens;

/** Whether a worker keeps the process alive. A page's never does. */
export function hold(worker: WorkerLike, alive: boolean): void {
  if (alive) listens(worker).ref?.();
  else listens(worker).unref?.();
}

/** The caller's end of a worker. @param onLost is told why nothing will come from it any more */
export function portOf(worker: WorkerLike, onLost: (why: unknown) => void): Port {
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    listen: (onMessage) => {
      const from = listens(worker);
      if (from.on) {
        from.on("message", onMessage);
        from.on("error", (error: Error) => onLost(error));
        from.on("exit", () => onLost(undefined));
        return;
      }
      from.addEventListener?.("message", ({ data }: MessageEvent) => onMessage(data as never));
      from.addEventListener?.("error", (event: ErrorEvent) => onLost(event.error ?? event.message));
      from.addEventListener?.("messageerror", () => onLost("a message could not be read"));
    },
  };
}

/** The worker's own end, in whichever platform it runs. */
export async function ownPort(): Promise<Port> {
  if (typeof process === "object" && process.versions?.node !== undefined) {
    const { parentPort } = await builtin<typeof WorkerThreads>("worker_threads");
    if (parentPort === null) throw new Error("serve() is called in a worker; this is the main thread");
    return {
      post: (message, transfer = []) => parentPort.postMessage(message, [...transfer]),
      listen: (onMessage) => {
        parentPort.on("message", (message) => onMessage(message as never));
      },
    };
  }
  const scope = globalThis as unknown as WorkerLike & Required<Listens>;
  return {
    post: (message, transfer = []) => scope.postMessage(message, [...transfer]),
    listen: (onMessage) => scope.addEventListener("message", ({ data }: MessageEvent) => onMessage(data as never)),
  };
}
