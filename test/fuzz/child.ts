// Runs in a process of its own: what it is told to read may hang, crash or take all the memory that there is.
import type { Files, Format } from "./format.js";
import { type Memory, MemoryWatch } from "./measure.js";

const memory = new MemoryWatch();

/** One thing to try: number `seed` of a format, or given files. */
export type Job = { readonly format: string } & ({ readonly seed: number } | { readonly files: readonly Uint8Array[] });

/** Gets a format's code and whole files read before time is taken. */
export interface Warm {
  readonly format: string;
  readonly warm: true;
}

export interface Report {
  readonly end: "read" | "refused" | "escaped";
  readonly what: string;
  /** What was done to a seed's file. */
  readonly steps: readonly string[];
  /** Of the processor, all threads together, both times that it was read. */
  readonly seconds: number;
  readonly memory: Memory;
}

/** What the whole files of a format gave when they were first read. */
const whole = new Map<string, readonly string[]>();
let next = 0;

/**
 * Whole files are read as before: a broken one has left nothing behind in a decoder that is kept. One of them after a number's
 * file, whose turn it is; all after a given one.
 */
async function leftBehind(format: Format, job: Job): Promise<string | undefined> {
  const seeds = await format.seeds();
  const read = (files: Files) => format.read(files).catch((error: { code?: string }) => String(error.code));
  const before = whole.get(format.name);
  if (before === undefined) return undefined;
  const turn = next++ % seeds.length;
  for (const [i, files] of seeds.entries()) {
    if ("seed" in job && i !== turn) continue;
    const now = await read(files);
    if (now !== before[i]) return `whole file ${i}, read after this one, gives ${now}; it gave ${before[i]}`;
  }
  return undefined;
}

async function readWhole(format: Format): Promise<void> {
  if (whole.has(format.name)) return;
  const all: string[] = [];
  for (const files of await format.seeds())
    all.push(await format.read(files).catch((error: { code?: string }) => String(error.code)));
  whole.set(format.name, all);
}

/** What happens beside the promise that is waited for. */
let aside: string | undefined;
const note = (what: string) => (error: unknown) => {
  aside ??= `${what}: ${error instanceof Error ? error.stack : String(error)}`;
};
process.on("unhandledRejection", note("an unhandled rejection"));
process.on("uncaughtException", note("an uncaught error"));
process.exit = ((code: number) => {
  throw new Error(`process.exit(${code}) was called`);
}) as typeof process.exit;
for (const stream of [process.stdout, process.stderr])
  stream.write = ((text: unknown) => {
    note("something was printed")(text);
    return true;
  }) as typeof stream.write;

async function run(job: Job | Warm): Promise<Report | Warm> {
  // After the watch is in place, which imports would be before.
  const [{ faulty }, { formats }, { mutant }, { trial }] = await Promise.all([
    import("./faulty.js"),
    import("./formats.js"),
    import("./mutant.js"),
    import("./trial.js"),
  ]);
  const format = [...formats, faulty].find(({ name }) => name === job.format);
  if (format === undefined) throw new Error(`${job.format} is no format`);
  await readWhole(format);
  if ("warm" in job) return job;
  const { files, steps } = "seed" in job ? await mutant(format, job.seed) : { files: job.files, steps: [] };
  aside = undefined;
  memory.begin();
  const begin = process.cpuUsage();
  const outcome = await trial(format, files);
  const { user, system } = process.cpuUsage(begin);
  const held = memory.end();
  // A rejection that nobody waits for is told after this turn.
  await new Promise(setImmediate);
  const left = outcome.end === "escaped" ? undefined : await leftBehind(format, job);
  const wrong = aside ?? left;
  const over = wrong === undefined ? outcome : ({ end: "escaped", what: wrong } as const);
  return { ...over, steps, seconds: (user + system) / 1e6, memory: held };
}

process.on("message", (job: Job | Warm) => {
  run(job).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ broken: error instanceof Error ? error.stack : String(error) }),
  );
});
process.send?.("ready");
