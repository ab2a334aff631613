import { type ChildProcess, fork } from "node:child_process";
import { type AnyKernel, entriesOf, type Feature, Random, wgslOf } from "@hulu/kernels";
import { answerOf } from "../../../../test/answer.js";
import { bundle } from "../../../../test/bundle.js";
import { reached, withoutComments } from "../source.js";
import type { Job, Outcome } from "./child.js";
import { type Mutant, mutantsOf, sampled } from "./mutate.js";

/** A fault in a kernel, and what its test made of it. */
export interface Planted extends Mutant {
  readonly kernel: string;
  readonly variant: string;
  /** `hangs`: no answer in time, as from a loop without an end. `dies`: the process with the device does. */
  readonly end: Outcome["end"] | "hangs" | "dies";
  readonly what: string;
}

/** Seconds that a kernel as it is may take, and how much longer than it a mutant, before it counts as one that hangs. */
const LONGEST = 200;
const LONGER = 3;

/** A process with a device of its own, since a loop without an end cannot be stopped otherwise. */
class Nursery {
  #child: ChildProcess | undefined;
  #file: string | undefined;

  async run(job: Job, seconds: number): Promise<Pick<Planted, "end" | "what">> {
    this.#file ??= await bundle('import { serve } from "./test/planted/child.ts"; await serve();', "kernels");
    this.#child ??= fork(this.#file, [], { serialization: "advanced", stdio: ["ignore", "ignore", "ignore", "ipc"] });
    const child = this.#child;
    const answer = await answerOf<Outcome>(child, job, seconds);
    if (answer !== undefined) return answer;
    const died = child.exitCode !== null || child.signalCode !== null;
    this.close();
    return died
      ? { end: "dies", what: "the process ended" }
      : { end: "hangs", what: `no answer in ${seconds.toFixed(0)} s` };
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

/** The pieces of a kernel's source, each in the first variant that a device with those features runs. */
function piecesOf(kernel: AnyKernel, features: readonly Feature[]) {
  const seen = new Set<string>();
  return kernel.variants
    .filter((variant) => variant.features.every((f) => features.includes(f)))
    .flatMap((variant) => {
      const used = new Set(reached(withoutComments(wgslOf(variant)), entriesOf(variant)).keys());
      return variant.wgsl.flatMap((text, piece) => {
        if (seen.has(text)) return [];
        seen.add(text);
        return [{ variant: variant.name, piece, text, used }];
      });
    });
}

interface PlantOptions {
  /** Of the device. */
  readonly features: readonly Feature[];
  /** How many faults of a rule are planted in a kernel, at the most. */
  readonly each: number;
  readonly seed?: number;
  /** Told of what became of each kernel. */
  readonly onKernel?: (planted: readonly Planted[]) => void;
}

/** Plant faults into kernels and see whether their tests catch them. */
export async function plant(
  kernels: readonly AnyKernel[],
  { features, each, seed = 1, onKernel }: PlantOptions,
): Promise<Planted[]> {
  const nursery = new Nursery();
  const random = new Random(seed, false);
  const planted: Planted[] = [];
  try {
    for (const kernel of kernels) {
      const mutants = piecesOf(kernel, features).flatMap(({ text, used, ...at }) =>
        mutantsOf(text, used).map((mutant) => ({ ...at, ...mutant })),
      );
      const seconds = 5 + LONGER * (await control(nursery, kernel, features));
      for (const { variant, piece, ...mutant } of sampled(mutants, each, () => random.unit())) {
        const job = { kernel: kernel.name, variant, piece, source: mutant.source };
        planted.push({ kernel: kernel.name, variant, ...mutant, ...(await nursery.run(job, seconds)) });
      }
      onKernel?.(planted.filter((m) => m.kernel === kernel.name));
    }
  } finally {
    nursery.close();
  }
  return planted;
}

/** A kernel as it is must pass, else nothing is shown by what does not. @returns how many seconds that took */
async function control(nursery: Nursery, kernel: AnyKernel, features: readonly Feature[]): Promise<number> {
  const [first] = piecesOf(kernel, features);
  if (first === undefined) throw new Error(`${kernel.name} has no form that can be run`);
  const { variant, piece, text } = first;
  const begin = performance.now();
  const { end, what } = await nursery.run({ kernel: kernel.name, variant, piece, source: text }, LONGEST);
  if (end !== "survived") throw new Error(`${kernel.name} as it is: ${end}, ${what}`);
  return (performance.now() - begin) / 1000;
}

export const HEADER = `${"kernel".padEnd(20)} mutants  caught`;

/** A row for each kernel: how many faults the compiler took, and how many of them were caught; then those that were not. */
export function rowsOf(planted: readonly Planted[]): string {
  const names = [...new Set(planted.map(({ kernel }) => kernel))];
  const rows = names.map((name) => {
    const real = planted.filter(({ kernel, end }) => kernel === name && end !== "refused");
    const caught = real.filter(({ end }) => end !== "survived");
    const ends = ["hangs", "dies"].flatMap((end) => {
      const some = caught.filter((m) => m.end === end).length;
      return some === 0 ? [] : [`${some} ${end}`];
    });
    return `${name.padEnd(20)}${String(real.length).padStart(8)}${String(caught.length).padStart(8)}  ${ends.join(", ")}`;
  });
  const left = planted.filter(({ end }) => end === "survived");
  const survivors = left.map((m) => `  not caught, ${m.variant}, ${m.rule}:\n    ${m.before}\n    ${m.after}`);
  return [...rows, ...survivors].join("\n");
}
