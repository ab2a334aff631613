import { type Env, symbolsOf } from "@hulu/core";
import type { Storage } from "@hulu/kernels";
import type { DeviceBuffer, DeviceKernel, KernelDevice } from "../device.js";
import type { Constant, Plan, Step } from "../plan.js";
import { BoundProgram } from "./bound.js";
import { allocated, type DeviceMemory } from "./memory.js";
import type { Weights } from "./weights.js";

/** Programs whose kernels are compiled and whose constants lie on the device. */
export interface Prepared {
  readonly programs: ReadonlyMap<string, BoundProgram>;
  readonly weights: Weights;
  /** The buffer of one of a plan's constants. */
  constant(plan: Plan, index: number): DeviceBuffer;
}

export async function prepare(
  { device, plans, weights }: { device: KernelDevice; plans: ReadonlyMap<string, Plan>; weights: Weights },
  memory: DeviceMemory,
): Promise<Prepared> {
  const constants = new Map<string, DeviceBuffer>();
  for (const constant of distinctConstants(plans.values())) {
    const buffer = memory.alloc(constantBytes(constant), "constant");
    device.write(buffer, 0, new Uint8Array(numbersOf(constant).buffer));
    constants.set(keyOf(constant), buffer);
  }
  const programs = new Map<string, BoundProgram>();
  for (const [name, plan] of plans) {
    const kernels: DeviceKernel[] = [];
    for (const step of plan.steps) kernels.push(await device.prepare(step.kernel, storageOf(step, weights)));
    programs.set(name, new BoundProgram(plan, kernels, device));
  }
  await compileAhead([...programs.values()]);
  await device.settled();
  return { programs, weights, constant: (plan, index) => constants.get(keyOf(plan.constants[index]!))! };
}

/** Lengths that a model is likely to be run at, one and many: kernels have entry points for either. */
const LENGTHS = [1, 64];

/** Compile what runs of these lengths will launch, all at once, so that the first run takes no longer than the second. */
async function compileAhead(programs: readonly BoundProgram[]): Promise<void> {
  const wanted = new Map<DeviceKernel, Set<string>>();
  for (const program of programs)
    for (const length of LENGTHS)
      for (const [i, kernel] of program.kernels.entries()) {
        const entries = wanted.get(kernel) ?? new Set();
        for (const { entry } of program.call(i, everySymbol(program.plan, length)).launches) entries.add(entry);
        wanted.set(kernel, entries);
      }
  const compiling = [...wanted].map(([kernel, entries]) => programs[0]!.device.compile(kernel, [...entries]));
  await Promise.all(compiling);
}

/** Every run-time symbol of a plan at the same length. */
function everySymbol({ graph }: Plan, length: number): Env {
  const inputs = [...Object.values(graph.inputs), ...graph.states.map(({ past }) => past)];
  const symbols = inputs.flatMap(({ dims }) => dims.flatMap(({ size }) => symbolsOf(size)));
  return { past: length, ...Object.fromEntries(symbols.map((symbol) => [symbol, length])) };
}

/** How the weight lies that a step reads; undefined where its kernel reads none. */
function storageOf({ kernel, args }: Step, weights: Weights): Storage | undefined {
  const weight = Object.entries(kernel.buffers).find(([, spec]) => spec.element === "weight");
  if (weight === undefined) return undefined;
  const place = args[weight[0]];
  return place?.kind === "weight" ? weights.get(place.path).storage : "f32";
}

const keyOf = ({ dtype, values }: Constant): string =>
  `${dtype} ${values.map((x) => (Object.is(x, -0) ? "-0" : x)).join(" ")}`;

const numbersOf = ({ dtype, values }: Constant): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> =>
  dtype === "f32" ? Float32Array.from(values) : Int32Array.from(values);

const constantBytes = ({ values }: Constant): number => values.length * Float32Array.BYTES_PER_ELEMENT;

/** Each table of numbers once, whichever plans have it. */
const distinctConstants = (plans: Iterable<Plan>): Constant[] => [
  ...new Map([...plans].flatMap(({ constants }) => constants.map((c) => [keyOf(c), c] as const))).values(),
];

/** What the constants of some plans take on a device. */
export const constantsBytes = (plans: Iterable<Plan>): number =>
  distinctConstants(plans).reduce((n, c) => n + allocated(constantBytes(c)), 0);
