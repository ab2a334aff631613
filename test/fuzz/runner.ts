import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { answerOf } from "../answer.js";
import { bundle } from "../bundle.js";
import type { Job, Report } from "./child.js";
import { MOST_MEGABYTES } from "./limits.js";

/** Seconds to load code and read a format's whole files, once in a process, on a busy machine. */
const WARMS = 120;
const NO_MEMORY = { resident: 0, array: 0, wasm: 0 };

/** A child process that reads one input after the other; one that hangs or dies is replaced. */
export class Runner {
  #child: ChildProcess | undefined;
  #printed = "";
  #file: string | undefined;
  readonly #hangs: number;
  /** Formats whose code and whole files the child has read. */
  readonly #warm = new Set<string>();

  /** @param hangs seconds after which an input that has not ended counts as one that hangs */
  constructor(hangs = 10) {
    this.#hangs = hangs;
  }

  /** What is wrong is tried again in a fresh process, because the machine may have been busy, or an earlier input the cause. */
  async run(job: Job): Promise<Report> {
    const report = await this.#once(job);
    if (report.end !== "escaped") return report;
    this.close();
    const again = await this.#once(job);
    if (again.end === "escaped") return again;
    return /^hangs/.test(report.what) ? again : { ...report, what: `${report.what}\n(not when it is read first)` };
  }

  async #once(job: Job): Promise<Report> {
    this.#child ??= await this.#start();
    const child = this.#child;
    if (!this.#warm.has(job.format)) {
      await answerOf<object>(child, { format: job.format, warm: true }, WARMS);
      this.#warm.add(job.format);
    }
    const report = await answerOf<Report & { readonly broken?: string }>(child, job, this.#hangs);
    if (report?.broken !== undefined) throw new Error(`the test itself: ${report.broken}`);
    const escaped = (what: string, given?: Report): Report => ({
      steps: [],
      seconds: this.#hangs,
      memory: NO_MEMORY,
      ...given,
      end: "escaped",
      what,
    });
    if (report === undefined) {
      const hung = child.exitCode === null && child.signalCode === null;
      const what = hung
        ? `hangs: no answer in ${this.#hangs} s`
        : `the process ended with ${child.exitCode ?? child.signalCode}`;
      const printed = this.#printed.slice(0, 1000);
      this.close();
      return escaped(`${what}\n${printed}`);
    }
    if (this.#printed !== "") {
      const printed = this.#printed;
      this.#printed = "";
      return escaped(`something was printed: ${printed.slice(0, 1000)}`, report);
    }
    const over = Object.entries(report.memory).find(([, megabytes]) => megabytes > MOST_MEGABYTES);
    if (over !== undefined) return escaped(`${over[0]} memory of ${Math.round(over[1])} MB (${report.what})`, report);
    return report;
  }

  async #start(): Promise<ChildProcess> {
    this.#file ??= await bundle('import "../../test/fuzz/child.ts";');
    const child = fork(this.#file, [], {
      execArgv: ["--max-old-space-size=512"],
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, HULU_DATA: fileURLToPath(new URL("../data", import.meta.url)) },
    });
    this.#printed = "";
    this.#warm.clear();
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (text) => {
        this.#printed += text;
      });
    await once(child, "message");
    return child;
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
