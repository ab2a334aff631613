import type { Arbitrary } from "fast-check";
import {
  type AnyKernel,
  type Arrays,
  anyKernel,
  defaultLimits,
  type Kernel,
  type Launch,
  type Params,
  type Tolerance,
  type Variant,
} from "../kernel.js";
import { KernelError } from "../layout.js";
import { Random } from "../random.js";
import { isQuantized, pack, unpack } from "../storage.js";
import { checkLaunches, launchesOf, type Tightness, tightLimits } from "./limits.js";
import { type Example, KernelMismatch, type Trial, wrongResult } from "./mismatch.js";
import type { KernelForm, Runner } from "./runner.js";
import { reversedThreads } from "./threads.js";

export interface TestOptions {
  /** Random examples of each form, beside those that are always tried; 20 unless given. */
  readonly runs?: number;
  /** Of the random examples: another one each time unless given. */
  readonly seed?: number;
  /** Only these forms. */
  readonly only?: (form: KernelForm) => boolean;
  /** This example alone, as the message of a mismatch has it. */
  readonly example?: Example;
  /** Told of each example that is run, and how it is cut into launches. */
  readonly onExample?: (form: KernelForm, example: Example, launches: readonly Launch[]) => void;
}

/**
 * Hold a kernel against its float64 reference: every variant and preset that the runner can run, on the examples that its
 * contract names and on random ones, cut into more launches by small limits as well, and with the threads of a workgroup
 * numbered the other way round where there is a barrier. What is wrong with a random one is shrunk
 * to its smallest sizes. Draws its examples with fast-check, which must be installed.
 * @returns how many forms were tested, which a caller may want to be more than 0
 * @throws KernelMismatch for the first example that goes wrong
 */
export async function testKernel<P extends string, B extends string>(
  kernel: Kernel<P, B>,
  runner: Runner,
  options: TestOptions = {},
): Promise<number> {
  const { only = () => true, example } = options;
  const forms = formsOf(anyKernel(kernel)).filter((f) => runner.supports(f.kernel, f.variant, f.preset) && only(f));
  for (const form of forms) {
    if (example !== undefined) await hold(form, runner, example, options);
    else {
      for (const named of namedExamples(form)) await hold(form, runner, named, options);
      await holdRandom(form, runner, options);
    }
  }
  if (example === undefined)
    for (const form of withBarriers(forms))
      for (const sizes of kernel.cases.always)
        await hold(form, runner, { sizes, seed: 2, exact: false, threads: "reversed" }, options);
  return forms.length;
}

/** Every variant with every preset. */
export const formsOf = (kernel: AnyKernel): KernelForm[] =>
  kernel.variants.flatMap((variant) => kernel.presets.map((preset) => ({ kernel, variant, preset })));

/** One form of each variant that has a barrier: in the preset that fits every device. */
const withBarriers = (forms: readonly KernelForm[]): KernelForm[] =>
  [...new Map(forms.map((form) => [form.variant, form])).values()].filter(
    ({ variant }) => reversedThreads(variant) !== undefined,
  );

const CUT: readonly Tightness[] = ["workgroups", "bindings"];

/** Those that a contract always wants, with whole numbers and others, and cut where they can be. */
const namedExamples = (form: KernelForm): Example[] =>
  form.kernel.cases.always.flatMap((sizes) => {
    const whole = [true, false].map((exact): Example => ({ sizes, seed: 1, exact }));
    const { params } = form.kernel.cases.make(sizes, new Random(1, true));
    const cut = CUT.filter((limits) => tightLimits(form, params, limits) !== undefined);
    return [...whole, ...cut.map((limits) => ({ sizes, seed: 1, exact: true, limits }))];
  });

async function holdRandom(form: KernelForm, runner: Runner, options: TestOptions): Promise<void> {
  const fc = await import("fast-check").catch((cause: unknown) => {
    throw new KernelError("testKernel draws its examples with fast-check: npm install --save-dev fast-check", {
      cause,
    });
  });
  const { runs = 20, seed } = options;
  const sizes: Record<string, Arbitrary<number>> = {};
  for (const [name, [min, max]] of Object.entries(form.kernel.cases.sizes)) sizes[name] = fc.integer({ min, max });
  const examples: Arbitrary<Example> = fc.record({
    sizes: fc.record(sizes),
    seed: fc.noShrink(fc.nat()),
    exact: fc.boolean(),
    limits: fc.constantFrom<Tightness>("device", ...CUT),
  });
  const property = fc.asyncProperty(examples, (example) => hold(form, runner, example, options));
  const found = await fc.check(property, { numRuns: runs, ...(seed !== undefined && { seed }) });
  if (found.failed) throw found.errorInstance ?? new Error(`fast-check stopped: seed ${found.seed}`);
}

async function hold(plain: KernelForm, runner: Runner, example: Example, { onExample }: TestOptions): Promise<void> {
  const { kernel, variant } = plain;
  const { sizes, seed, exact, limits: tight = "device", threads } = example;
  const form: KernelForm = threads === undefined ? plain : { ...plain, threads };
  const { params, inputs } = kernel.cases.make(sizes, new Random(seed, exact));
  const limits = tightLimits(form, params, tight);
  const trial: Trial = { form, runner, example, params, limits };
  const launches = planned(trial);
  onExample?.(form, example, launches);
  const got = await runner.run(form, params, inputs, limits).catch((cause: unknown) => {
    throw new KernelMismatch(trial, cause instanceof Error ? cause.message : String(cause), undefined, { cause });
  });
  const wanted = kernel.reference(params, asStored(form, params, inputs));
  const bound = exact && kernel.cases.exact && sumsExactly(variant) ? EXACT : kernel.tolerance(params, variant);
  const wrong = wrongResult(trial, got, wanted, bound);
  if (wrong !== undefined) throw wrong;
}

function planned(trial: Trial): readonly Launch[] {
  const { form, params, limits = defaultLimits } = trial;
  try {
    const launches = launchesOf(form, params, limits);
    checkLaunches(form, params, launches, limits);
    return launches;
  } catch (cause) {
    throw new KernelMismatch(trial, cause instanceof Error ? cause.message : String(cause), undefined, { cause });
  }
}

const EXACT: Tolerance = { abs: 0, rel: 0, why: "the sums are exact in float32" };

/** Whether small whole numbers stay so: their scales, and larger sums in float16, are not exact. */
const sumsExactly = ({ storage = "f32", features }: Variant): boolean =>
  !isQuantized(storage) && !features.includes("shader-f16");

/**
 * The inputs of a call, the weight as its storage holds it, in plain numbers: for a runner that has no packed weights.
 */
export function asStored({ kernel, variant }: KernelForm, params: Params, inputs: Arrays): Arrays {
  const { storage } = variant;
  const [name, spec] = Object.entries(kernel.buffers).find(([, { element }]) => element === "weight") ?? [];
  const weight = name === undefined ? undefined : inputs[name];
  if (storage === undefined || name === undefined || spec === undefined || weight === undefined) return inputs;
  const [rows = 1, ...rest] = spec.shape(params);
  const width = rest.reduce((n, d) => n * d, 1);
  return { ...inputs, [name]: unpack(storage, pack(storage, weight, rows, width), rows, width) };
}
