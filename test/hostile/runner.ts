import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { answerOf } from "../answer.js";
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
    const report = await answerOf<Report>(child, job, HANGS);
    if (report !== undefined) return report;
    this.close();
    const error =
      child.exitCode === null ? `hangs: no answer in ${HANGS} s` : `the process ended with ${child.exitCode}`;
    return { end: "escaped", error, seconds: HANGS, megabytes: 0 };
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
    if (this.#child !== undefined) await answerOf(this.#child, "warm", HANGS);
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
