import { type Env, evaluate, type HostTensor } from "@hulu/core";
import type { Nd } from "@hulu/testing";
import { type Place, type Plan, type Step, slotCount } from "../src/index.js";
import { livesOf } from "../src/plan/share.js";

/** What lies outside of a plan: what is fed, weights by path, and what a session holds of each state. */
export interface Outside {
  readonly fed: ReadonlyMap<string, HostTensor>;
  readonly params: ReadonlyMap<string, ArrayLike<number>>;
  readonly states: ReadonlyMap<string, ArrayLike<number>>;
}

export interface Evaluated {
  readonly outputs: Readonly<Record<string, Nd>>;
  /** The new rows of each state. */
  readonly rows: ReadonlyMap<string, Float64Array>;
}

/** What lies in memory before it is written: any number that it goes into shows it. */
const NONSENSE = Number.NaN;

/**
 * Run a plan on the host, each step by its kernel's reference, in float64. Slots lie in the buffers that the plan says; a slot
 * holds nonsense when its life begins, and what a step leaves unwritten stays that. A step that reads a buffer that it writes,
 * or one that is too short, is an error.
 */
export function evaluatePlan(plan: Plan, env: Env, outside: Outside): Evaluated {
  const memory = new Memory(plan, env, outside);
  const lives = livesOf(plan.steps, plan.slots.length);
  for (const [at, step] of plan.steps.entries()) {
    for (const [slot, life] of lives.entries())
      if (life.first === at) memory.of({ kind: "slot", slot })!.fill(NONSENSE);
    runStep(step, env, memory);
  }
  const outputs = Object.entries(plan.outputs).map(([name, { place, dims }]) => {
    const shape = dims.map((d) => evaluate(d.size, env));
    return [name, { shape, data: memory.of(place)! }] as const;
  });
  const rows = plan.states.map(({ name, width }) => {
    const state = memory.of({ kind: "state", name })!;
    return [name, state.slice((env.past ?? 0) * width)] as const;
  });
  return { outputs: Object.fromEntries(outputs), rows: new Map(rows) };
}

function runStep({ kernel, args, params }: Step, env: Env, memory: Memory): void {
  const numbers = Object.fromEntries(Object.entries(params).map(([name, size]) => [name, evaluate(size, env)]));
  const used = Object.entries(kernel.buffers).filter(([, spec]) => !spec.shape(numbers).includes(0));
  const [read, written] = [new Set<unknown>(), new Set<unknown>()];
  const inputs: Record<string, ArrayLike<number>> = {};
  for (const [name, spec] of used) {
    const place = args[name]!;
    const buffer = memory.of(place);
    (spec.role === "input" ? read : written).add(memory.owner(place));
    if (spec.element === "scale") continue;
    const needs = spec.shape(numbers).reduce((n, d) => n * d, 1);
    if (buffer === undefined) throw new Error(`${kernel.name} needs ${name}`);
    if (buffer.length < needs) throw new Error(`${kernel.name}: ${name} needs ${needs}, there are ${buffer.length}`);
    if (spec.role === "input" || spec.role === "inout") inputs[name] = buffer.slice(0, needs);
  }
  if ([...written].some((b) => read.has(b))) throw new Error(`${kernel.name} reads what it writes`);
  const results = kernel.reference(numbers, inputs);
  for (const [name, { role }] of used)
    if (role === "output" || role === "inout") memory.of(args[name]!)!.set(Array.from(results[name]!));
}

class Memory {
  readonly #slots: readonly Float64Array[];
  readonly #named = new Map<string, Float64Array>();
  readonly #constants: readonly Float64Array[];

  constructor(
    readonly plan: Plan,
    env: Env,
    { fed, params, states }: Outside,
  ) {
    const counts = plan.slots.map((slot) => slotCount(plan, slot, env));
    const buffers = Array.from({ length: plan.buffers }, (_, b) =>
      room(Math.max(0, ...counts.filter((_, i) => plan.slots[i]!.buffer === b))),
    );
    this.#slots = plan.slots.map(({ buffer }, i) => buffers[buffer]!.subarray(0, counts[i]));
    this.#constants = plan.constants.map(({ values }) => Float64Array.from(values));
    for (const [name, { data }] of fed) this.#named.set(`input ${name}`, Float64Array.from(data));
    for (const [path, { rows, width }] of plan.weights) {
      const data = Float64Array.from(params.get(path) ?? []);
      if (data.length !== rows * width) throw new Error(`${path} has ${data.length} numbers, not ${rows} x ${width}`);
      this.#named.set(`weight ${path}`, data);
    }
    for (const [name, { dims }] of Object.entries(plan.outputs))
      this.#named.set(`output ${name}`, room(dims.reduce((n, d) => n * evaluate(d.size, env), 1)));
    for (const { name, count } of plan.states) {
      const state = room(evaluate(count, env));
      state.set(states.get(name) ?? []);
      this.#named.set(`state ${name}`, state);
    }
  }

  of(place: Place): Float64Array | undefined {
    if (place.kind === "slot") return this.#slots[place.slot];
    if (place.kind === "constant") return this.#constants[place.index];
    return this.#named.get(keyOf(place));
  }

  /** What may not be read and written at once. */
  owner(place: Place): unknown {
    return place.kind === "slot" ? this.plan.slots[place.slot]!.buffer : keyOf(place);
  }
}

const room = (count: number): Float64Array => new Float64Array(count).fill(NONSENSE);

const keyOf = (place: Place): string =>
  `${place.kind} ${"name" in place ? place.name : "path" in place ? place.path : JSON.stringify(place)}`;
