import {
  type Env,
  type Executable,
  type Feed,
  FeedError,
  type RunOptions,
  SessionError,
  type SessionOwner,
} from "@hulu/core";
import type { KernelDevice } from "../device.js";
import type { Plan } from "../plan.js";
import { DeviceMemory } from "./memory.js";
import { type Prepared, prepare } from "./prepare.js";
import { Runner } from "./runner.js";
import { DeviceSession } from "./session.js";
import type { Weights } from "./weights.js";

export interface PlannedPrograms {
  readonly device: KernelDevice;
  readonly plans: ReadonlyMap<string, Plan>;
  /** They become the executable's, and are freed with it. */
  readonly weights: Weights;
  readonly owner: SessionOwner;
  /** The most that each symbol may reach. */
  readonly max?: Env;
}

/**
 * Plans on a device, behind the contract of a backend. A run resolves as soon as everything is queued: what the device does
 * with it shows where a result is read. Only a run that asked for memory waits until the device has it.
 * @throws KernelError when the device cannot run a kernel; the weights are freed then
 */
export async function plannedExecutable(programs: PlannedPrograms): Promise<Executable> {
  const { device, owner, weights } = programs;
  const memory = new DeviceMemory(device);
  let prepared: Prepared;
  try {
    prepared = await prepare(programs, memory);
  } catch (error) {
    memory.dispose();
    weights.dispose();
    throw error;
  }
  const runner = new Runner(prepared, memory, programs.max ?? {});
  const alive = (): void => {
    if (memory.disposed) throw new SessionError("the model was disposed");
  };
  const dispose = (): void => {
    if (memory.disposed) return;
    memory.dispose();
    weights.dispose();
  };
  return Object.freeze({
    run: async (name: string, inputs: Readonly<Record<string, Feed>>, { session, signal }: RunOptions = {}) => {
      signal?.throwIfAborted();
      alive();
      const program = prepared.programs.get(name);
      if (program === undefined)
        throw new FeedError(`there is no program ${name}; there are ${[...prepared.programs.keys()].join(", ")}`);
      if (session === undefined) return runner.run(name, program, inputs, undefined, signal);
      if (!(session instanceof DeviceSession && session.belongsTo(owner)))
        throw new SessionError("the session belongs to another model");
      return runner.run(name, program, inputs, session, signal);
    },
    createSession: (options?: { readonly capacity?: number; readonly from?: Uint8Array }) => {
      alive();
      return new DeviceSession(owner, memory, options);
    },
    dispose,
    [Symbol.dispose]: dispose,
  });
}
