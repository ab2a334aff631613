import { bindSizes, type Env, evaluate, type Feed, reserveRows, SessionError, type Tensor } from "@hulu/core";
import { type DeviceBuffer, DeviceError } from "../device.js";
import { checkRun } from "../plan/check-run.js";
import type { Place, Plan } from "../plan.js";
import type { BoundProgram } from "./bound.js";
import { bufferOf, type Fed, feedBytes, numbersOf, releaseFeeds, takeFeeds, writeFeed } from "./feeds.js";
import { allocated, type DeviceMemory } from "./memory.js";
import { outputBytes } from "./needs.js";
import { Pool } from "./pool.js";
import type { Prepared } from "./prepare.js";
import { type Held, Results } from "./results.js";
import type { DeviceSession } from "./session.js";

const WORD = 4;

/** One run, once its sizes are known. */
interface Run {
  readonly name: string;
  readonly program: BoundProgram;
  readonly env: Env;
  readonly fed: ReadonlyMap<string, Fed>;
  readonly session: DeviceSession | undefined;
}

/** Runs the programs of one executable. */
export class Runner {
  readonly #pool: Pool;
  readonly #results: Results;

  constructor(
    readonly prepared: Prepared,
    readonly memory: DeviceMemory,
    readonly max: Env,
  ) {
    this.#pool = new Pool(memory);
    this.#results = new Results(memory);
  }

  async run(
    name: string,
    program: BoundProgram,
    inputs: Readonly<Record<string, Feed>>,
    session: DeviceSession | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Tensor>> {
    // Results that are fed are held from here on: their owner may dispose of them while the run waits for its turn.
    const fed = takeFeeds(program.plan.graph, inputs, this.#results);
    const start = () => this.#start(name, program, fed, session, signal);
    try {
      return await (session === undefined ? start() : session.inTurn(start));
    } catch (error) {
      // What fails because the model was disposed of meanwhile, says so.
      if (this.memory.disposed && error instanceof DeviceError) throw new SessionError("the model was disposed");
      throw error;
    } finally {
      releaseFeeds(fed);
    }
  }

  async #start(
    name: string,
    program: BoundProgram,
    fed: ReadonlyMap<string, Fed>,
    session: DeviceSession | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Tensor>> {
    signal?.throwIfAborted();
    const { plan } = program;
    const past = session?.length ?? 0;
    const env = bindSizes(plan.graph, new Map([...fed].map(([n, t]) => [n, t.shape])), { past }, this.max);
    const grows = session === undefined ? 0 : reserveRows(plan.graph, session, env);
    checkRun(plan, env, (input) => numbersOf(fed.get(input)));
    const unchanged = () => {
      if (this.memory.disposed) throw new SessionError("the model was disposed");
      if (session !== undefined && session.length !== past)
        throw new SessionError("the session was changed while a run was using it");
    };
    const before = this.memory.allocations;
    let outputs: ReadonlyMap<string, Held> = new Map();
    try {
      while (session !== undefined && !session.hasRoom(grows)) {
        await session.makeRoom(grows);
        unchanged();
      }
      // From here to its end nothing else is queued: runs share the pool.
      outputs = this.#queue({ name, program, env, fed, session });
      if (this.memory.allocations !== before) await this.memory.device.settled();
      signal?.throwIfAborted();
      unchanged();
      session?.advance(grows);
    } catch (error) {
      for (const held of outputs.values()) held.release();
      if (this.memory.allocations !== before) this.#forgetUnsure(session);
      throw error;
    }
    return this.#tensors(plan, env, outputs);
  }

  /** After a failure nothing that was asked for of late is sure to be there: the next run asks again. */
  #forgetUnsure(session: DeviceSession | undefined): void {
    this.#pool.drop();
    this.#results.drop();
    session?.dropEmpty();
  }

  /** Queue a whole run. @returns the outputs by the name of their place, each held once */
  #queue(run: Run): ReadonlyMap<string, Held> {
    const { name, program, env, fed, session } = run;
    const { plan } = program;
    const bound = program.bind(env);
    const buffers = this.#room(run, bound.needs(session?.capacity ?? 0));
    const sizes = outputBytes(plan, env);
    this.#results.expect(
      name,
      [...sizes.values()].reduce((n, bytes) => n + allocated(bytes), 0),
    );
    const outputs = new Map<string, Held>();
    try {
      for (const [output, bytes] of sizes) outputs.set(output, this.#results.make(bytes, `${name} ${output}`));
      const find = (place: Place): DeviceBuffer | undefined => this.#find(plan, place, buffers, outputs);
      for (const [input, feed] of fed) {
        const own = buffers.inputs.get(input)!;
        if (bufferOf(feed) !== own) writeFeed(this.memory.device, feed, own);
      }
      bound.launch(find);
      this.#copyOutputs(plan, sizes, outputs, find);
      return outputs;
    } catch (error) {
      for (const held of outputs.values()) held.release();
      throw error;
    }
  }

  /** A buffer for everything that a run computes or is fed, in the pool or where it lies already. */
  #room({ program, env, fed, session }: Run, needs: readonly number[]): RunBuffers {
    const { states } = program.plan;
    const written = [...fed].filter(([, feed]) => bufferOf(feed) === undefined);
    const passing = session === undefined ? states.map(({ count }) => evaluate(count, env) * WORD) : [];
    const taken = this.#pool.take([...needs, ...written.map(([, feed]) => feedBytes(feed)), ...passing]);
    const inputs = new Map<string, DeviceBuffer>();
    for (const [input, feed] of fed) {
      const lies = bufferOf(feed);
      if (lies !== undefined) inputs.set(input, lies);
    }
    for (const [i, [input]] of written.entries()) inputs.set(input, taken[needs.length + i]!);
    const state = (name: string, i: number) => session?.buffer(name) ?? taken[needs.length + written.length + i];
    return {
      slots: taken,
      inputs,
      states: new Map(states.map(({ name }, i) => [name, state(name, i)])),
    };
  }

  #find(plan: Plan, place: Place, buffers: RunBuffers, outputs: ReadonlyMap<string, Held>): DeviceBuffer | undefined {
    switch (place.kind) {
      case "slot":
        return buffers.slots[plan.slots[place.slot]!.buffer];
      case "input":
        return buffers.inputs.get(place.name);
      case "output":
        return outputs.get(place.name)?.buffer;
      case "weight":
        return this.prepared.weights.get(place.path).buffer;
      case "scale":
        return this.prepared.weights.get(place.path).scale;
      case "state":
        return buffers.states.get(place.name);
      case "constant":
        return this.prepared.constant(plan, place.index);
      case "none":
        return undefined;
    }
  }

  /** Outputs that no step writes where they are wanted: an input that is given back, or a state. */
  #copyOutputs(
    { outputs: planned }: Plan,
    sizes: ReadonlyMap<string, number>,
    outputs: ReadonlyMap<string, Held>,
    find: (place: Place) => DeviceBuffer | undefined,
  ): void {
    for (const [output, { place }] of Object.entries(planned)) {
      const [bytes, from] = [sizes.get(output), find(place)];
      if (place.kind === "output" || bytes === undefined || bytes === 0 || from === undefined) continue;
      this.memory.device.copy(from, 0, outputs.get(output)!.buffer, 0, bytes);
    }
  }

  #tensors({ outputs: planned }: Plan, env: Env, outputs: ReadonlyMap<string, Held>): Record<string, Tensor> {
    const tensors = Object.entries(planned).map(([output, { place, dims, dtype }]) => {
      const held = outputs.get(place.kind === "output" ? place.name : output)!;
      const shape = dims.map((d) => evaluate(d.size, env));
      return [output, this.#results.tensor(held.retain(), dtype === "f32" ? "f32" : "i32", shape)] as const;
    });
    // Each was held once by the run itself.
    for (const held of outputs.values()) held.release();
    return Object.fromEntries(tensors);
  }
}

interface RunBuffers {
  /** Of each of the plan's buffers, and what else was taken with them. */
  readonly slots: readonly DeviceBuffer[];
  readonly inputs: ReadonlyMap<string, DeviceBuffer>;
  readonly states: ReadonlyMap<string, DeviceBuffer | undefined>;
}
