import { type ChildProcess, fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { broken, type Checked, type Task } from "./check.js";
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
  module: string = fileURLToPath(new URL("./inputs-child.js", import.meta.url)),
  bounds: Bounds = BOUNDS,
): Checker {
  let child: ChildProcess | undefined;
  const stop = () => {
    if (child !== undefined) kill(child);
    child = undefined;
  };
  const started = async (): Promise<ChildProcess | Checked> => {
    if (child?.connected) return child;
    const made = start(module, bounds);
    child = made;
    const ready = await within(made, bounds.start, undefined, () => undefined);
    return "kind" in ready ? made : ready;
  };
  return {
    async check(task) {
      const process = await started();
      if ("outcome" in process) {
        stop();
        signal.throwIfAborted();
        throw new Error(`the process that checks files does not start: ${process.wrong.join("; ")}`);
      }
      const answer = await within(process, bounds.time, bounds.memory, () => process.send(task));
      signal.throwIfAborted();
      if (!("kind" in answer) || answer.kind !== "checked") {
        stop();
        return "kind" in answer ? broken("rejected", "crash", "the process said something else") : answer;
      }
      if (answer.maxRss > FRESH * bounds.memory) stop();
      return answer.maxRss > bounds.memory ? tooLarge(bounds.memory) : answer.checked;
    },
    close: async () => stop(),
  };

  /** The next message of the process, or what became of it instead. */
  function within(
    of: ChildProcess,
    time: number,
    memory: number | undefined,
    ask: () => void,
  ): Promise<FromChild | Checked> {
    return new Promise((resolve) => {
      const end = (value: FromChild | Checked) => {
        clearTimeout(timer);
        clearInterval(watch);
        of.off("message", end).off("exit", gone).off("error", failed);
        signal.removeEventListener("abort", aborted);
        resolve(value);
      };
      const gone = (code: number | null, by: string | null) =>
        end(broken("rejected", "crash", `the process ended (${by ?? code})`));
      const failed = (error: Error) => end(broken("rejected", "crash", error));
      const aborted = () => end(broken("rejected", "aborted", "it was interrupted"));
      const timer = setTimeout(() => end(broken("rejected", "timeout", `it took more than ${time / 1000} s`)), time);
      const watch = setInterval(async () => {
        if (memory !== undefined && (await residentBytes(of.pid)) > memory) end(tooLarge(memory));
      }, LOOK_EVERY);
      of.on("message", end).on("exit", gone).on("error", failed);
      signal.addEventListener("abort", aborted);
      if (signal.aborted) aborted();
      else ask();
    });
  }
}

const tooLarge = (memory: number): Checked =>
  broken("rejected", "memory", `it took more than ${Math.round(memory / 1e6)} MB of memory`);

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
