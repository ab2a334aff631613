/**
 * A plan is a program as launches of kernels, as plain data. Sizes are still polynomials of the run-time symbols, so one plan
 * serves every length. A plan names no device and no language: whatever has the kernels can run it.
 */
import type { Axis, DType, Graph, Size } from "@hulu/core";
import type { AnyKernel } from "@hulu/kernels";

/** Where the numbers of a kernel's buffer lie. */
export type Place =
  /** What is computed on the way: `Plan.slots`. */
  | { readonly kind: "slot"; readonly slot: number }
  /** What the caller feeds. */
  | { readonly kind: "input"; readonly name: string }
  /** What the caller gets: a buffer of its own, which outlives the run. */
  | { readonly kind: "output"; readonly name: string }
  /** A weight, or the scales of a quantized one. */
  | { readonly kind: "weight" | "scale"; readonly path: string }
  /** What a session holds of a state: `[past ...]` before the run, `[ctx ...]` once its new rows are written behind. */
  | { readonly kind: "state"; readonly name: string }
  /** `Plan.constants`. */
  | { readonly kind: "constant"; readonly index: number }
  /** A buffer that this call does not use. */
  | { readonly kind: "none" };

/** One call of a kernel. */
export interface Step {
  readonly kernel: AnyKernel;
  /** A place for each of its buffers, scratch buffers included. */
  readonly args: Readonly<Record<string, Place>>;
  /** Sizes, switches and constants by name; evaluated for each run. */
  readonly params: Readonly<Record<string, Size>>;
  /** The path of the module that it computes a part of, for messages and profiles. */
  readonly scope: string;
}

/** Room for one value, from where it is written to its last use. */
export interface Slot {
  /** Elements of four bytes; `slotCount` evaluates it. */
  readonly count: Size | ScratchCount;
  /** Which of the plan's buffers it lies in; slots that are never alive together share one. */
  readonly buffer: number;
}

/** As many elements as the shape of a step's scratch buffer has, which is its kernel's business. */
export interface ScratchCount {
  readonly step: number;
  readonly name: string;
}

/**
 * How a weight is read: a `matrix` only by kernels that take any storage, so that it may lie as it is stored or quantized;
 * `plain` by others too, so that it lies in float32.
 */
export type WeightUse = "matrix" | "plain";

/** How a weight lies: row-major, each of `rows` rows packed by itself. Where it is stored with more axes, they are fused. */
export interface PlannedWeight {
  readonly use: WeightUse;
  readonly rows: number;
  readonly width: number;
}

export interface Constant {
  readonly dtype: "f32" | "i32";
  readonly values: readonly number[];
}

export interface PlannedOutput {
  readonly place: Place;
  readonly dims: readonly Axis[];
  /** A `bool` is held as 0 or 1, an i32. */
  readonly dtype: DType;
}

/** What one run adds to a state of its session. */
export interface PlannedState {
  readonly name: string;
  /** Elements of one position. */
  readonly width: number;
  /** How many positions this run adds. */
  readonly rows: Size;
  /** Elements of all of it behind the run. */
  readonly count: Size;
}

/** An input whose numbers are indices: each must be from `least` up to, and not including, `end`. */
export interface PlannedIndex {
  readonly input: string;
  readonly least: number;
  readonly end: Size;
  /** The name of the axis that they count along. */
  readonly axis: string;
}

/** A size that must come out from 0 up to `most`; where there is none, it may be as large as it likes. */
export interface PlannedSize {
  readonly size: Size;
  readonly most?: Size;
  /** The name of the axis that it is a part of. */
  readonly axis: string;
}

export interface Plan {
  readonly graph: Graph;
  readonly steps: readonly Step[];
  readonly slots: readonly Slot[];
  /** How many buffers the slots share. */
  readonly buffers: number;
  readonly constants: readonly Constant[];
  readonly weights: ReadonlyMap<string, PlannedWeight>;
  readonly states: readonly PlannedState[];
  readonly outputs: Readonly<Record<string, PlannedOutput>>;
  /** What must hold for a run, as `checkRun` looks: no kernel reads beside its table, and none can say that it was asked to. */
  readonly indices: readonly PlannedIndex[];
  readonly sizes: readonly PlannedSize[];
}
