import { type Env, evaluate, type Size } from "@hulu/core";
import type { Launch, Params } from "@hulu/kernels";
import type { DeviceBuffer, DeviceKernel, KernelDevice } from "../device.js";
import type { Place, Plan, Slot, Step } from "../plan.js";
import { bufferNeeds, roundedPast, varies, varyingSlots } from "./needs.js";

/** Sizes that are kept of so many kinds of run: prefill in pieces and decoding are two or three. */
const KEPT = 8;

/** A step's numbers in one run. The same objects as long as nothing in them has changed, so that a device may remember them. */
interface Call {
  readonly params: Params;
  readonly launches: readonly Launch[];
}
type Buffers = Readonly<Record<string, DeviceBuffer>>;

/** A step's params that a longer past leaves alone, and those that it does not. */
interface SplitParams {
  readonly fixed: readonly (readonly [string, Size])[];
  readonly varying: readonly (readonly [string, Size])[];
}

/** A plan whose kernels are ready on a device. */
export class BoundProgram {
  readonly #bound = new Map<string, BoundRun>();
  readonly #split: readonly SplitParams[];
  readonly #varyingSlots: readonly Slot[];

  constructor(
    readonly plan: Plan,
    readonly kernels: readonly DeviceKernel[],
    readonly device: KernelDevice,
  ) {
    this.#split = plan.steps.map(({ params }) => {
      const all = Object.entries(params);
      return { fixed: all.filter(([, size]) => !varies(size)), varying: all.filter(([, size]) => varies(size)) };
    });
    this.#varyingSlots = varyingSlots(plan);
  }

  /** What a run with these sizes needs; kept for the next one that differs in nothing but the past. */
  bind(env: Env): BoundRun {
    const { past: _, ...rest } = env;
    const key = JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
    const found = this.#bound.get(key) ?? new BoundRun(this, env);
    this.#bound.delete(key);
    this.#bound.set(key, found);
    for (const oldest of this.#bound.keys()) {
      if (this.#bound.size <= KEPT) break;
      this.#bound.delete(oldest);
    }
    return found;
  }

  /** Numbers of one step; those of `known` that do not vary are taken as they are. */
  call(i: number, env: Env, known?: Call): Call {
    const { fixed, varying } = this.#split[i]!;
    if (known !== undefined && varying.length === 0) return known;
    const entries = known === undefined ? [...fixed, ...varying] : varying;
    const params = { ...known?.params, ...numbers(entries, env) };
    const { kernel, variant, preset } = this.kernels[i]!;
    const launches = kernel.launches(params, { variant, preset, limits: this.device.limits });
    return { params, launches: launches.filter(({ workgroups }) => !workgroups.includes(0)) };
  }

  /** Bytes of each buffer. @param most positions of the session */
  needs(env: Env, most: number): readonly number[] {
    return bufferNeeds(this.plan, { ...env, past: roundedPast(this.plan, env, most) });
  }

  /** Those needs that no rounding covers. */
  needsNow(env: Env): readonly number[] {
    return bufferNeeds(this.plan, env, this.#varyingSlots);
  }
}

const numbers = (entries: readonly (readonly [string, Size])[], env: Env): Record<string, number> =>
  Object.fromEntries(entries.map(([name, size]) => [name, evaluate(size, env)]));

/** A program at certain sizes, whatever its session's past. */
export class BoundRun {
  readonly #program: BoundProgram;
  readonly #calls: Call[];
  readonly #buffers: (Buffers | undefined)[] = [];
  #needs: { readonly past: number; readonly most: number; readonly bytes: readonly number[] } | undefined;

  constructor(program: BoundProgram, env: Env) {
    this.#program = program;
    this.#calls = program.plan.steps.map((_, i) => program.call(i, env));
  }

  /** Bytes of each of the plan's buffers. @param most positions that the session may come to hold */
  needs(env: Env, most: number): readonly number[] {
    const past = roundedPast(this.#program.plan, env, most);
    if (this.#needs?.past !== past || this.#needs.most !== most)
      this.#needs = { past, most, bytes: this.#program.needs(env, most) };
    const now = this.#program.needsNow(env);
    return this.#needs.bytes.map((bytes, i) => Math.max(bytes, now[i]!));
  }

  /** Queue every step. @param find the buffer of a place, if it has one */
  launch(env: Env, find: (place: Place) => DeviceBuffer | undefined): void {
    const { plan, kernels, device } = this.#program;
    for (const [i, step] of plan.steps.entries()) {
      const call = this.#program.call(i, env, this.#calls[i]);
      this.#calls[i] = call;
      const buffers = this.#bind(i, step, find);
      for (const launch of call.launches) device.launch(kernels[i]!, launch, call.params, buffers);
    }
  }

  /** The same record as in the last run, if all of its buffers are the same. */
  #bind(i: number, { args }: Step, find: (place: Place) => DeviceBuffer | undefined): Buffers {
    const last = this.#buffers[i];
    const buffers: Record<string, DeviceBuffer> = {};
    let same = last !== undefined;
    for (const [name, place] of Object.entries(args)) {
      const buffer = find(place);
      if (buffer !== undefined) buffers[name] = buffer;
      same &&= last?.[name] === buffer;
    }
    if (same && last !== undefined) return last;
    this.#buffers[i] = buffers;
    return buffers;
  }
}
