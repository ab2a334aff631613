import fc from "fast-check";
import { type AnyKernel, type Arrays, anyKernel, type Kernel, type Params, type Tolerance } from "../kernel.js";
import { Random } from "../random.js";
import { pack, type Storage, unpack } from "../storage.js";
import type { KernelForm, Runner } from "./runner.js";

/** A kernel gave something else than its reference: the message has the form, the sizes, and the first number that is wrong. */
export class KernelMismatch extends Error {
  override readonly name = "KernelMismatch";
}

export interface TestOptions {
  /** Random examples of each form, beside those that are always tried; 20 unless given. */
  readonly runs?: number;
  readonly seed?: number;
  /** Only these forms. */
  readonly only?: (form: KernelForm) => boolean;
}

/** One example: sizes by name, and where its numbers come from. */
interface Draw {
  readonly sizes: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly exact: boolean;
}

/**
 * Hold a kernel against its float64 reference: every variant and preset that the runner can run, on the examples that its
 * contract names and on random ones. What is wrong is shrunk to its smallest sizes.
 * @returns how many forms were tested, which a caller may want to be more than 0
 * @throws KernelMismatch
 */
export async function testKernel<P extends string, B extends string>(
  kernel: Kernel<P, B>,
  runner: Runner,
  { runs = 20, seed, only = () => true }: TestOptions = {},
): Promise<number> {
  const forms = formsOf(anyKernel(kernel)).filter((f) => runner.supports(f.kernel, f.variant, f.preset) && only(f));
  for (const form of forms) {
    for (const sizes of form.kernel.cases.always)
      for (const exact of [true, false]) await hold(form, runner, { sizes, seed: 1, exact });
    const property = fc.asyncProperty(draws(form.kernel), (draw) => hold(form, runner, draw));
    await fc.assert(property, { numRuns: runs, ...(seed !== undefined && { seed }) });
  }
  return forms.length;
}

/** Every variant with every preset. */
export const formsOf = (kernel: AnyKernel): KernelForm[] =>
  kernel.variants.flatMap((variant) => kernel.presets.map((preset) => ({ kernel, variant, preset })));

const draws = ({ cases }: AnyKernel): fc.Arbitrary<Draw> =>
  fc.record({
    sizes: fc.record(
      Object.fromEntries(Object.entries(cases.sizes).map(([name, [min, max]]) => [name, fc.integer({ min, max })])),
    ),
    seed: fc.noShrink(fc.nat()),
    exact: fc.boolean(),
  });

async function hold(form: KernelForm, runner: Runner, { sizes, seed, exact }: Draw): Promise<void> {
  const { kernel, variant, preset } = form;
  const { params, inputs } = kernel.cases.make(sizes, new Random(seed, exact));
  const stored = variant.storage === undefined ? inputs : asStored(kernel, params, inputs, variant.storage);
  const wanted = kernel.reference(params, stored);
  const bound = exact && kernel.cases.exact ? EXACT : kernel.tolerance(params, variant);
  const got = await runner.run(form, params, inputs);
  for (const [name, numbers] of Object.entries(wanted)) {
    const wrong = differs(got[name] ?? [], numbers ?? [], bound);
    if (wrong === undefined) continue;
    const where = `${kernel.name} (${variant.name}, ${preset.name}) on ${runner.name}`;
    throw new KernelMismatch(`${where}, ${JSON.stringify({ ...params })}: ${name}${wrong}`);
  }
}

const EXACT: Tolerance = { abs: 0, rel: 0, why: "the sums are exact in float32" };

/** The inputs with the weight as its storage holds it. */
function asStored(kernel: AnyKernel, params: Params, inputs: Arrays, storage: Storage): Arrays {
  const [name, spec] = Object.entries(kernel.buffers).find(([, { element }]) => element === "weight") ?? [];
  const weight = name === undefined ? undefined : inputs[name];
  if (name === undefined || spec === undefined || weight === undefined) return inputs;
  const [rows = 1, ...rest] = spec.shape(params);
  const width = rest.reduce((n, d) => n * d, 1);
  return { ...inputs, [name]: unpack(storage, pack(storage, weight, rows, width), rows, width) };
}

/** Where two results part, or undefined. A NaN equals only a NaN, and an infinity itself. */
function differs(got: ArrayLike<number>, wanted: ArrayLike<number>, { abs, rel }: Tolerance): string | undefined {
  if (got.length !== wanted.length) return ` has ${got.length} numbers, not ${wanted.length}`;
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [got[i]!, wanted[i]!];
    if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= abs + rel * Math.abs(b))) return `[${i}] is ${a}, it must be ${b}`;
  }
  return undefined;
}
