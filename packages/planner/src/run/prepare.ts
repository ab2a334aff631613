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
  await device.settled();
  return { programs, weights, constant: (plan, index) => constants.get(keyOf(plan.constants[index]!))! };
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
