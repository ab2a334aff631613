// Runs in a process of its own: what it is told to try may hang or take all the memory that there is.
import { mutant } from "./mutate.js";
import { type Outcome, trial } from "./trial.js";

/** One thing to try: the mutant of a seed, or a folder. */
export type Job = { readonly seed: number } | { readonly folder: string };

export interface Report extends Outcome {
  /** Of the processor, all threads together. */
  readonly seconds: number;
  /** The most that the process has held so far beyond what it held when it was warm, in MB. */
  readonly megabytes: number;
}

let warm = 0;

async function run(job: Job): Promise<Report> {
  const source = "seed" in job ? mutant(job.seed).files : job.folder;
  // What earlier jobs have left is not this one's; where thousands follow each other, it would take half of their time.
  if ("folder" in job) globalThis.gc?.();
  const begin = process.cpuUsage();
  const outcome = await trial(source);
  const { user, system } = process.cpuUsage(begin);
  return { ...outcome, seconds: (user + system) / 1e6, megabytes: process.resourceUsage().maxRSS / 1024 - warm };
}

process.on("message", (job: Job | "warm") => {
  if (job === "warm") {
    globalThis.gc?.();
    warm = process.memoryUsage().rss / 1024 ** 2;
    process.send?.("warm");
    return;
  }
  run(job).then(
    (report) => process.send?.(report),
    // What is no error of a checkpoint ends the process, which the parent sees.
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.send?.("ready");
