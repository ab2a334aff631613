import { type ChildProcess, fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { broken, type Checked } from "./check.js";
import type { Checker } from "./command.js";

export type FromChild =
  | { readonly kind: "ready" }
  /** `maxRss`: the most bytes of memory that the process ever had. */
  | { readonly kind: "checked"; readonly checked: Checked; readonly maxRss: number };

export interface Bounds {
  /** Milliseconds for one file, and for the process to start. */
  readonly time: number;
  readonly start: number;
  /** Bytes of memory of the process. */
  readonly memory: number;
}
const BOUNDS: Bounds = { time: 10_000, start: 60_000, memory: 1e9 };
/** A process that has had more than this is not used again: the next file's memory must be its own. */
const FRESH = 0.4;
const LOOK_EVERY = 50;

/**
 * Checks in a process of its own, so that a file that hangs, crashes or takes too much memory costs its own row and no more.
 * The process is used for one file after the other, and made anew when it had to be killed.
 * @param module what the process runs: `child.js`
 */
export function isolated(
  signal: AbortSignal,
  module: string = fileURLToPath(new URL("./verify-inputs-child.js", import.meta.url)),
  bounds: Bounds = BOUNDS,
): Checker {
  let child: ChildProcess | undefined;
  const stop = () => {
    if (child !== undefined) kill(child);
    child = undefined;
  };
  const started = async (): Promise<ChildProcess> => {
    if (child?.connected) return child;
    child = start(module, bounds);
    const heard = await next(child, bounds.start, undefined, () => undefined);
    if (heard.failure === undefined) return child;
    stop();
    signal.throwIfAborted();
    throw new Error(`the process that checks files does not start: ${heard.failure.wrong.join("; ")}`);
  };
  return {
    async check(task) {
      const process = await started();
      const { message, failure } = await next(process, bounds.time, bounds.memory, () => process.send(task));
      if (failure !== undefined) stop();
      signal.throwIfAborted();
      if (failure !== undefined) return failure;
      if (message?.kind !== "checked") return broken("crash", "the process said something else");
      if (message.maxRss > FRESH * bounds.memory) stop();
      return message.maxRss > bounds.memory ? tooLarge(bounds.memory) : message.checked;
    },
    close: async () => stop(),
  };

  /** The next message of the process, or what became of it instead. */
  function next(of: ChildProcess, time: number, memory: number | undefined, ask: () => void): Promise<Heard> {
    return new Promise((resolve) => {
      const end = (heard: Heard) => {
        clearTimeout(timer);
        clearInterval(watch);
        of.off("message", said).off("exit", gone).off("error", failed);
        signal.removeEventListener("abort", aborted);
        resolve(heard);
      };
      const fail = (code: string, why: unknown) => end({ failure: broken(code, why) });
      const said = (message: FromChild) => end({ message });
      const gone = (code: number | null, by: string | null) => fail("crash", `the process ended (${by ?? code})`);
      const failed = (error: Error) => fail("crash", error);
      const aborted = () => fail("aborted", "it was interrupted");
      const timer = setTimeout(() => fail("timeout", `it took more than ${time / 1000} s`), time);
      const watch = setInterval(async () => {
        if (memory !== undefined && (await residentBytes(of.pid)) > memory) end({ failure: tooLarge(memory) });
      }, LOOK_EVERY);
      of.on("message", said).on("exit", gone).on("error", failed);
      signal.addEventListener("abort", aborted);
      if (signal.aborted) aborted();
      else ask();
    });
  }
}

/** One of the two. */
interface Heard {
  readonly message?: FromChild;
  readonly failure?: Checked;
}

const tooLarge = (memory: number): Checked =>
  broken("memory", `it took more than ${Math.round(memory / 1e6)} MB of memory`);

function start(module: string, { memory }: Bounds): ChildProcess {
  return fork(module, [], {
    // What decoders print is for nobody; and a group of its own ends with what it has started itself.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    detached: process.platform !== "win32",
    execArgv: [`--max-old-space-size=${Math.floor(memory / 2 ** 20)}`],
  });
}

function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && process.platform !== "win32") process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
  child.kill("SIGKILL");
}

/** What a process has in memory now, where the system tells it; else 0, and `maxRss` tells it behind the file. */
async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
