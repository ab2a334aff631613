import { countOf, type Env } from "@hulu/core";
import type { Launch, Params } from "@hulu/kernels";
import type { DeviceBuffer, DeviceKernel, KernelDevice } from "../device.js";
import { slotCount } from "../plan/slot-count.js";
import type { Place, Plan, Slot } from "../plan.js";
import { bufferNeeds, roundedPast, type Sized, sizedBy, varies, varyingSlots } from "./needs.js";

const WORD = 4;

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
  readonly fixed: readonly (readonly [string, Sized])[];
  readonly varying: readonly (readonly [string, Sized])[];
}

/** A plan whose kernels are ready on a device. */
export class BoundProgram {
  readonly #bound = new Map<string, BoundRun>();
  readonly #params: readonly SplitParams[];
  /** The buffers of each step by their name in the kernel. */
  readonly args: readonly (readonly (readonly [string, Place])[])[];
  /** The steps whose numbers change with the past. */
  readonly varying: readonly number[];
  /** The slots whose sizes do. */
  readonly growing: readonly Slot[];

  constructor(
    readonly plan: Plan,
    readonly kernels: readonly DeviceKernel[],
    readonly device: KernelDevice,
  ) {
    this.#params = plan.steps.map(({ params }) => {
      const all = Object.entries(params);
      const sized = (some: typeof all) => some.map(([name, size]) => [name, sizedBy(size)] as const);
      return {
        fixed: sized(all.filter(([, size]) => !varies(size))),
        varying: sized(all.filter(([, size]) => varies(size))),
      };
    });
    this.args = plan.steps.map(({ args }) => Object.entries(args));
    this.varying = plan.steps.map((_, i) => i).filter((i) => this.#params[i]!.varying.length > 0);
    this.growing = varyingSlots(plan);
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
    found.move(env);
    return found;
  }

  /** Numbers of one step. @param known those at another past */
  call(i: number, env: Env, known?: Call): Call {
    const { fixed, varying } = this.#params[i]!;
    const params: Record<string, number> = { ...known?.params };
    if (known === undefined) for (const [name, size] of fixed) params[name] = size(env);
    for (const [name, size] of varying) params[name] = size(env);
    const { kernel, variant, preset } = this.kernels[i]!;
    const launches = kernel.launches(params, { variant, preset, limits: this.device.limits });
    return { params, launches: launches.filter(({ workgroups }) => !workgroups.includes(0)) };
  }
}

/** A program at certain sizes; its past moves on from run to run. */
export class BoundRun {
  readonly #program: BoundProgram;
  readonly #calls: Call[];
  readonly #buffers: (Buffers | undefined)[] = [];
  #env: Env;
  #needs: { readonly past: number; readonly most: number; readonly bytes: readonly number[] } | undefined;

  constructor(program: BoundProgram, env: Env) {
    this.#program = program;
    this.#env = env;
    this.#calls = program.plan.steps.map((_, i) => program.call(i, env));
  }

  move(env: Env): void {
    if (this.#env.past !== env.past)
      for (const i of this.#program.varying) this.#calls[i] = this.#program.call(i, env, this.#calls[i]);
    this.#env = env;
  }

  /** Bytes of each of the plan's buffers. @param most positions that the session may come to hold */
  needs(most: number): readonly number[] {
    const { plan, growing } = this.#program;
    const past = roundedPast(plan, this.#env, most);
    if (this.#needs?.past !== past || this.#needs.most !== most)
      this.#needs = { past, most, bytes: bufferNeeds(plan, { ...this.#env, past }) };
    const needs = [...this.#needs.bytes];
    // What a kernel wants of scratch need not grow evenly with the past.
    for (const slot of growing) needs[slot.buffer] = Math.max(needs[slot.buffer]!, this.#bytesNow(slot));
    return needs;
  }

  #bytesNow(slot: Slot): number {
    const { count } = slot;
    const { plan, kernels } = this.#program;
    if (typeof count === "number" || "terms" in count) return slotCount(plan, slot, this.#env) * WORD;
    const shape = kernels[count.step]!.kernel.buffers[count.name]!.shape(this.#calls[count.step]!.params);
    return countOf(shape) * WORD;
  }

  /** Queue every step. @param find the buffer of a place, if it has one */
  launch(find: (place: Place) => DeviceBuffer | undefined): void {
    const { kernels, device } = this.#program;
    for (const [i, { params, launches }] of this.#calls.entries()) {
      const buffers = this.#bind(i, find);
      for (const launch of launches) device.launch(kernels[i]!, launch, params, buffers);
    }
  }

  /** The same record as in the last run, if all of its buffers are the same. */
  #bind(i: number, find: (place: Place) => DeviceBuffer | undefined): Buffers {
    const args = this.#program.args[i]!;
    const last = this.#buffers[i];
    if (last !== undefined && args.every(([name, place]) => last[name] === find(place))) return last;
    const buffers: Record<string, DeviceBuffer> = {};
    for (const [name, place] of args) {
      const buffer = find(place);
      if (buffer !== undefined) buffers[name] = buffer;
    }
    this.#buffers[i] = buffers;
    return buffers;
  }
}
