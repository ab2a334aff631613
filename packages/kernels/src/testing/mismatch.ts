import type { Arrays, LaunchLimits, Params, Tolerance } from "../kernel.js";
import { isGarbage } from "./garbage.js";
import type { Tightness } from "./limits.js";
import type { KernelForm, Runner } from "./runner.js";

/** One example: the sizes of the contract's cases by name, and where its numbers come from. Plain data. */
export interface Example {
  readonly sizes: Readonly<Record<string, number>>;
  readonly seed: number;
  /** Whether its numbers are small whole ones. */
  readonly exact: boolean;
  /** By which limits the call is cut; those of the device unless given. */
  readonly limits?: Tightness;
  /** Whether the threads of a workgroup are numbered from the last to the first, where a runner can do that. */
  readonly threads?: "reversed";
}

/** One example in one form on one runner. */
export interface Trial {
  readonly form: KernelForm;
  readonly runner: Runner;
  readonly example: Example;
  readonly params: Params;
  readonly limits: LaunchLimits | undefined;
}

/** A number of an output that is not as the reference says. */
export interface Wrong {
  readonly output: string;
  /** Row-major, from 0. */
  readonly index: number;
  readonly got: number;
  readonly wanted: number;
}

/**
 * A kernel gave something else than its reference, wrote where it must not, or could not be run. The message has the form, the
 * parameters, the first number that is wrong, and how to run the same example again.
 */
export class KernelMismatch extends Error {
  override readonly name = "KernelMismatch";
  readonly example: Example;

  constructor(
    { form, runner, example, params, limits }: Trial,
    what: string,
    /** The first wrong number, where it was one. */
    readonly wrong?: Wrong,
    options?: ErrorOptions,
  ) {
    const { kernel, variant, preset, threads } = form;
    const order = threads === "reversed" ? ", its threads numbered from the last to the first" : "";
    const lines = [
      `${kernel.name}: ${what}`,
      `  form     variant ${variant.name}, preset ${preset.name}${order}, on ${runner.name}`,
      `  params   ${listed(params)}`,
      ...(limits === undefined ? [] : [`  limits   ${listed(limits)}`]),
      `  again    testKernel(kernel, runner, { example: ${JSON.stringify(example)} })`,
    ];
    super(lines.join("\n"), options);
    this.example = example;
  }
}

const listed = (numbers: object): string =>
  Object.entries(numbers)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ") || "none";

/** The first thing that is wrong with what a runner gave, or undefined. */
export function wrongResult(trial: Trial, got: Arrays, wanted: Arrays, bound: Tolerance): KernelMismatch | undefined {
  for (const [name, numbers = []] of Object.entries(wanted)) {
    const given = got[name];
    if (given === undefined) return new KernelMismatch(trial, `${name} was not given back`);
    if (given.length !== numbers.length)
      return new KernelMismatch(trial, `${name} has ${given.length} numbers, it must have ${numbers.length}`);
    const first = firstOutside(given, numbers, bound);
    if (first === undefined) continue;
    const wrong = { output: name, index: first, got: given[first]!, wanted: numbers[first]! };
    return new KernelMismatch(trial, told(trial, wrong, given, numbers, bound), wrong);
  }
  return undefined;
}

/** A NaN equals only a NaN, and an infinity itself. */
const within = (a: number, b: number, { abs, rel }: Tolerance): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= abs + rel * Math.abs(b);

function firstOutside(got: ArrayLike<number>, wanted: ArrayLike<number>, bound: Tolerance): number | undefined {
  for (let i = 0; i < wanted.length; i++) if (!within(got[i]!, wanted[i]!, bound)) return i;
  return undefined;
}

/** `y[2, 17] is 3, it must be 4 ...`, and how much else is wrong. */
function told(
  { form, params }: Trial,
  { output, index, got, wanted }: Wrong,
  given: ArrayLike<number>,
  numbers: ArrayLike<number>,
  bound: Tolerance,
): string {
  const shape = form.kernel.buffers[output]?.shape(params) ?? [numbers.length];
  const place = `${output}[${places(index, shape).join(", ")}]`;
  const how = unwritten(given, index) ? "was not written, or is made of what was not" : `is ${got}`;
  const margin = bound.abs + bound.rel * Math.abs(wanted);
  const off = Number.isFinite(got - wanted) ? `, off by ${Math.abs(got - wanted).toPrecision(3)}` : "";
  const asked = margin === 0 ? "exactly" : `within ${margin.toPrecision(3)} (${bound.why})`;
  let many = 0;
  for (let i = 0; i < numbers.length; i++) if (!within(given[i]!, numbers[i]!, bound)) many++;
  return `${place} ${how}, it must be ${wanted} ${asked}${off}; ${many} of the ${numbers.length} numbers of ${output} [${shape.join(" ")}] are wrong`;
}

/** The place of a number along each axis. */
function places(index: number, shape: readonly number[]): number[] {
  const found: number[] = [];
  let rest = index;
  for (const size of [...shape].reverse()) {
    found.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return found;
}

function unwritten(given: ArrayLike<number>, i: number): boolean {
  if (given instanceof Float32Array) return isGarbage(new Uint32Array(given.buffer, given.byteOffset + 4 * i, 1)[0]!);
  return isGarbage(given[i]! >>> 0);
}
