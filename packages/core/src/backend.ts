/**
 * The contract of a backend: what runs a model's programs on some engine.
 *
 * A backend is a value that is passed in; there is no registry and no global default, and importing one changes nothing.
 * It is not a set of eager operations, it is not a place for model code, and it does not sample, prune or pack: it gets
 * whole graphs, says what it cannot run before a weight is read, and gives back only what a program returns. Shapes that
 * depend on data never enter a graph.
 */
import type { Programs } from "./graph/graph.js";
import type { Env } from "./graph/size.js";
import type { Value } from "./graph/value.js";
import type { WeightSource } from "./weights/source.js";

export interface Backend {
  readonly name: string;
  /** How another thread makes the same backend; one without it runs where it was made. */
  readonly origin?: BackendOrigin;
  /**
   * Whether a node is run as it stands: true, or the reason why not. A reason on a composite means "expand me"; on a
   * primitive it means failure. It may look back through `node.inputs`.
   */
  supports(node: Value): true | string;
  /**
   * What the programs will need, from the headers alone. `max` has the most that each run-time symbol reaches in a run; one
   * that it lacks counts as 1, and `past` as 0.
   */
  estimate(programs: Programs, weights: WeightSource, max: Env): MemoryEstimate;
  /**
   * Make programs ready to run. They share weights and sessions.
   * @throws UnsupportedError before a byte of weights is read
   */
  compile(programs: Programs, weights: WeightSource, options?: CompileOptions): Promise<Executable>;
}

/**
 * Where a backend comes from. A backend is a value and values of functions do not travel, so a worker imports the module
 * and makes its own.
 */
export interface BackendOrigin {
  /** The module's URL: `import.meta.url` of the file that exports it. */
  readonly module: string;
  /** What the module exports: the backend, or, where there are `options`, a function that makes it of them. */
  readonly name: string;
  /** Plain data that can be cloned. */
  readonly options?: unknown;
}

/**
 * Bytes of resident memory, by which the process grows from before `compile`. Pages of a mapped file count where they are
 * touched, although the system may take them back.
 */
export interface MemoryEstimate {
  /** What the weights take once loaded. */
  readonly weights: number;
  /** What is held beside the weights for a moment while they are loaded. */
  readonly loading: number;
  /** What one session takes at `max.past` positions. */
  readonly session: number;
  /** What the runs take beside that: inputs, what is computed, results, and what a runtime keeps for the next run. */
  readonly work: number;
  /** What the runtime takes whatever it runs. */
  readonly fixed: number;
  /** The most at any one time, with one session: `fixed + weights + max(loading, session + work)`. */
  readonly peak: number;
}

/** An estimate with its peak. */
export const memoryEstimate = (parts: Omit<MemoryEstimate, "peak">): MemoryEstimate => ({
  ...parts,
  peak: parts.fixed + parts.weights + Math.max(parts.loading, parts.session + parts.work),
});

export interface CompileOptions {
  /** The most that each run-time symbol may reach. */
  readonly max?: Env;
  readonly signal?: AbortSignal;
  onProgress?(done: number, total: number, path: string): void;
}

export interface Executable {
  /**
   * Run one program. A failed or aborted run leaves the session as it was; runs on one session wait for each other.
   * @throws FeedError when a name, type or shape does not fit
   */
  run(program: string, inputs: Readonly<Record<string, Feed>>, options?: RunOptions): Promise<Record<string, Tensor>>;
  /** @param options.from what `save` gave; refused by name when it belongs to other programs or weights */
  createSession(options?: { readonly capacity?: number; readonly from?: Uint8Array }): Session;
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface RunOptions {
  readonly session?: Session;
  readonly signal?: AbortSignal;
}

/** What programs keep between runs: the KV cache of one conversation, batch 1. */
export interface Session {
  /** How many positions it holds. */
  readonly length: number;
  /** How many it can hold. */
  readonly capacity: number;
  /** Forget all but the first `n` positions. */
  truncate(n: number): void;
  /** A session of its own with the same past. */
  fork(): Session;
  save(): Promise<Uint8Array>;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** What a run gave. It may lie on a device, and takes memory there until it is disposed of. */
export interface Tensor {
  readonly dtype: "f32" | "i32";
  readonly shape: readonly number[];
  read(): Promise<Float32Array | Int32Array>;
  /** The same numbers, row-major, under another shape of the same size. Each is disposed of by itself: the memory goes with the last. */
  reshape(shape: readonly number[]): Tensor;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Numbers on the host, row-major. */
export interface HostTensor {
  readonly dtype: "f32" | "i32";
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** What an input takes; a list is joined along its first axis. */
export type Feed = HostTensor | Tensor | readonly (HostTensor | Tensor)[];

/** A session was used wrongly: past its capacity, after disposal, with another executable, or restored from foreign bytes. */
export class SessionError extends Error {
  override readonly name = "SessionError";
}
