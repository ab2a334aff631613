import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { bundle } from "../bundle.js";
import type { Job, Report } from "./child.js";

/** Seconds after which a job that has not ended counts as one that hangs. A busy machine is allowed for. */
const HANGS = 30;

/** A child process that tries one job after the other; one that hangs or dies is replaced. */
export class Runner {
  #child: ChildProcess | undefined;
  readonly #memory: number;
  #file: string | undefined;

  /** @param memory the most that JavaScript may have in the child, in MB */
  constructor(memory: number) {
    this.#memory = memory;
  }

  async run(job: Job): Promise<Report> {
    this.#child ??= await this.#start();
    const child = this.#child;
    const report = await this.#answer<Report>(child, job);
    if (report !== undefined) return report;
    this.close();
    const error =
      child.exitCode === null ? `hangs: no answer in ${HANGS} s` : `the process ended with ${child.exitCode}`;
    return { end: "escaped", error, seconds: HANGS, megabytes: 0 };
  }

  /** What the child says; undefined if it dies, or says nothing in time. */
  async #answer<T>(child: ChildProcess, message: unknown): Promise<T | undefined> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), HANGS * 1000);
    const { signal } = stop;
    const heard = once(child, "message", { signal }).then(([answer]) => answer as T);
    const died = once(child, "exit", { signal }).then(() => undefined);
    if (message !== undefined) child.send(message as object);
    try {
      return await Promise.race([heard, died]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      stop.abort();
      await Promise.allSettled([heard, died]);
    }
  }

  async #start(): Promise<ChildProcess> {
    this.#file ??= await bundle('import "../../test/hostile/child.ts";');
    const child = fork(this.#file, [], {
      execArgv: ["--expose-gc", `--max-old-space-size=${this.#memory}`],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await once(child, "message");
    return child;
  }

  /** From here on memory is counted. @param jobs are tried first, so that code and caches are there. */
  async warm(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) await this.run(job);
    if (this.#child !== undefined) await this.#answer(this.#child, "warm");
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
