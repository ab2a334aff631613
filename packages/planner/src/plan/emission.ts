import { boundSize, type Graph, multiplySizes, paramsOf, type Size, type Value } from "@hulu/core";
import type { AnyKernel } from "@hulu/kernels";
import type { Constant, Place, PlannedWeight, ScratchCount, Step } from "../plan.js";
import { COPY_AXES, type Copy, straight } from "./copies.js";
import { type BuffersOf, type KernelName, kernelOf, type ParamsOf } from "./kernels.js";
import { countOf } from "./sizes.js";
import { base } from "./views.js";

/** A buffer that a call does not use. */
export const none: Place = { kind: "none" };

/** What a plan is built in: steps are called one after the other, and values get their places. */
export class Emission {
  readonly steps: Step[] = [];
  /** How large each slot is. */
  readonly slots: (Size | ScratchCount)[] = [];
  readonly constants: Constant[] = [];
  readonly #places = new Map<Value, Place>();
  readonly #outputs: ReadonlyMap<Value, string>;
  /** Weights that only kernels read that take any storage; undefined for those that others read too. */
  readonly #matrices = new Map<string, Matrix | undefined>();
  readonly #constantIndex = new Map<string, number>();

  /** @param outputs the name of the output that a value is computed in */
  constructor(
    readonly graph: Graph,
    outputs: ReadonlyMap<Value, string>,
  ) {
    this.#outputs = outputs;
  }

  /** Where a value's numbers lie. What computes it has been called. */
  place(value: Value): Place {
    const node = base(value);
    const { name: op } = node.op;
    if (op === "input") return { kind: "input", name: String(node.attrs.name) };
    if (op === "param") return { kind: "weight", path: String(node.attrs.path) };
    if (op === "state") return { kind: "state", name: String(node.attrs.name) };
    if (op === "append") return { kind: "state", name: String(node.inputs[0]!.attrs.name) };
    if (op === "constant") return this.constant(node.attrs.values as readonly number[], node.dtype);
    const place = this.#places.get(node);
    if (place === undefined)
      throw new Error(`${this.graph.name}: ${op} in ${node.scope} is read before it is computed`);
    return place;
  }

  /** Where the numbers of a value that is computed now are to be written. */
  result(node: Value): Place {
    const name = this.#outputs.get(node);
    const place = name === undefined ? this.slot(countOf(node)) : { kind: "output" as const, name };
    this.#places.set(node, place);
    return place;
  }

  /** Room for so many elements. */
  slot(count: Size | ScratchCount): Place {
    return { kind: "slot", slot: this.slots.push(count) - 1 };
  }

  constant(values: readonly number[], dtype: Value["dtype"]): Place {
    const constant: Constant = { dtype: dtype === "f32" ? "f32" : "i32", values };
    const key = `${constant.dtype} ${values.map((x) => (Object.is(x, -0) ? "-0" : x)).join(" ")}`;
    const known = this.#constantIndex.get(key);
    const index = known ?? this.constants.push(constant) - 1;
    this.#constantIndex.set(key, index);
    return { kind: "constant", index };
  }

  /** A matrix that any storage may hold, and its scales. */
  matrix(value: Value): { readonly weight: Place; readonly scale: Place } {
    const weight = this.place(value);
    return { weight, scale: weight.kind === "weight" ? { kind: "scale", path: weight.path } : none };
  }

  /** Add a step; scratch buffers get their room by themselves. */
  call<K extends KernelName>(name: K, scope: string, args: BuffersOf<K, Place>, params: ParamsOf<K, Size>): void {
    const kernel = kernelOf(name);
    const places: Record<string, Place> = {};
    for (const [buffer, { role }] of Object.entries(kernel.buffers)) {
      const given = (args as Readonly<Record<string, Place>>)[buffer];
      places[buffer] =
        given ?? (role === "scratch" ? this.slot({ step: this.steps.length, name: buffer }) : missing(name, buffer));
    }
    this.steps.push({ kernel, args: places, params, scope });
    this.#noteWeights(kernel, places, params);
  }

  copy(scope: string, x: Place, y: Place, size: Size, { axes, from, to }: Copy): void {
    const count = multiplySizes(...axes.map((a) => a.size));
    const one = { size: 1, from: 0, to: 0 };
    const six = [...Array.from({ length: COPY_AXES - axes.length }, () => one), ...axes];
    const named = (letter: string, side: keyof typeof one) =>
      Object.fromEntries(six.map((a, i) => [`${letter}${i}`, a[side]]));
    const params = { count, ...named("d", "size"), ...named("s", "from"), ...named("t", "to"), from, to, size };
    this.call("copy", scope, { x, y }, params as ParamsOf<"copy", Size>);
  }

  /** All of a value's numbers into another place. */
  move(value: Value, to: Place): void {
    const count = countOf(value);
    this.copy(value.scope, this.place(value), to, count, straight(count));
  }

  /** How each weight that was read must lie. */
  weights(): ReadonlyMap<string, PlannedWeight> {
    const dims = paramsOf(this.graph);
    const lying = [...this.#matrices].map(([path, matrix]): [string, PlannedWeight] => {
      if (matrix !== undefined) return [path, { use: "matrix", ...matrix }];
      const [rows = 1, ...more] = dims.get(path)!.dims.map((d) => boundSize(d.size, {}));
      return [path, { use: "plain", rows, width: more.reduce((n, d) => n * d, 1) }];
    });
    return new Map(lying);
  }

  #noteWeights(kernel: AnyKernel, args: Readonly<Record<string, Place>>, params: Readonly<Record<string, Size>>): void {
    for (const [buffer, place] of Object.entries(args)) {
      if (place.kind !== "weight") continue;
      const spec = kernel.buffers[buffer]!;
      if (spec.element !== "weight") this.#matrices.set(place.path, undefined);
      else {
        // The shape of a weight knows nothing of run-time sizes.
        const numbers = Object.fromEntries(Object.entries(params).map(([name, size]) => [name, boundSize(size, {})]));
        const [rows = 1, ...more] = spec.shape(numbers);
        this.#noteMatrix(place.path, { rows, width: more.reduce((n, d) => n * d, 1) });
      }
    }
  }

  /** A weight that is read as two different matrices lies as neither. */
  #noteMatrix(path: string, matrix: Matrix): void {
    const known = this.#matrices.has(path) ? this.#matrices.get(path) : matrix;
    const same = known?.rows === matrix.rows && known.width === matrix.width;
    this.#matrices.set(path, same ? matrix : undefined);
  }
}

interface Matrix {
  readonly rows: number;
  readonly width: number;
}

function missing(kernel: string, buffer: string): never {
  throw new Error(`the kernel ${kernel} has a buffer ${buffer}, which no plan speaks of`);
}
