import { type Axis, type Graph, namesOf, printSize, type Size, type Value } from "@hulu/core";
import type { ElementType, OnnxAttribute, OnnxNode, OnnxTensor, OnnxValue } from "./onnx.js";
import type { Placements } from "./weights.js";

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly domain?: OnnxNode["domain"];
  /** What the result is called; made unique. The op's name unless given. */
  readonly hint?: string;
  /** How many results; one unless given. */
  readonly outputs?: number;
}

/** The same numbers under one or more shapes: a reshape is a node only where somebody asks for another shape. */
interface Buffer {
  readonly views: Map<string, string>;
  readonly reshape: (sizes: readonly Size[]) => string;
}

const shapeKey = (sizes: readonly Size[]): string => sizes.map(printSize).join(" ");
export const sizesOf = (dims: readonly Axis[]): readonly Size[] => dims.map((d) => d.size);

/**
 * One ONNX graph in the making. Values are emitted in order by whoever drives it; what is cheap and often not needed
 * (reshapes, sizes, broadcasts, weights) is emitted when it is asked for, once.
 */
export class Emission {
  nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly inputs: OnnxValue[] = [];
  readonly #buffers = new Map<Value, Buffer>();
  readonly #deferred = new Map<Value, () => void>();
  readonly #once = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(
    readonly graph: Graph,
    readonly placements: Placements,
  ) {}

  // Names and nodes

  unique(name: string): string {
    let free = name;
    for (let n = 2; this.#taken.has(free); n++) free = `${name}#${n}`;
    this.#taken.add(free);
    return free;
  }

  /** Add a node with one result; gives the result's name. `scope` is the module that it comes from. */
  node(op: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return this.nodeOf(op, inputs, options)[0]!;
  }

  /** Add a node with several results. */
  nodeOf(op: string, inputs: readonly string[], options: NodeOptions = {}): readonly string[] {
    const hint = options.hint ?? op.toLowerCase();
    const first = this.unique(hint);
    const more = Array.from({ length: (options.outputs ?? 1) - 1 }, (_, i) => this.unique(`${hint}:${i + 1}`));
    const outputs = [first, ...more];
    this.nodes.push({
      op,
      domain: options.domain ?? "",
      name: first,
      inputs,
      outputs,
      attributes: options.attributes ?? {},
    });
    return outputs;
  }

  /** The nodes that `body` adds, for the branch of an `If`. All it shares with the outside must have been asked for before. */
  branch<T>(body: () => T): { readonly nodes: readonly OnnxNode[]; readonly result: T } {
    const outer = this.nodes;
    this.nodes = [];
    try {
      const result = body();
      return { nodes: this.nodes, result };
    } finally {
      this.nodes = outer;
    }
  }

  input(name: string, type: ElementType, shape: readonly (number | string)[]): string {
    return this.once(`input ${name}`, () => {
      const free = this.unique(name);
      this.inputs.push({ name: free, type, shape });
      return free;
    });
  }

  once(key: string, make: () => string): string {
    const known = this.#once.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#once.set(key, made);
    return made;
  }

  // Constants and sizes

  constant(
    type: "f32" | "i32" | "i64" | "bool",
    values: readonly number[],
    shape: readonly number[] = [values.length],
  ): string {
    const key = `${type} [${shape.join()}] ${values.map((v) => (Object.is(v, -0) ? "-0" : String(v))).join()}`;
    return this.once(key, () => {
      const name = this.unique(values.length === 1 ? `const:${type}:${values[0]}` : `const:${type}`);
      this.initializers.push({ name, type, shape, data: encode(type, values) });
      return name;
    });
  }

  /** A size as an int64 of one element. */
  size(size: Size): string {
    if (typeof size === "number") return this.constant("i64", [size]);
    return this.once(`size ${printSize(size)}`, () => {
      const terms = Object.entries(size.terms).map(([monomial, factor]) => this.#term(monomial, factor));
      return terms.reduce((a, b) => this.node("Add", [a, b], { hint: `size=${printSize(size)}` }));
    });
  }

  #term(monomial: string, factor: number): string {
    if (monomial === "") return this.constant("i64", [factor]);
    const symbols = monomial.split("*").map((symbol) => this.input(`size:${symbol}`, "i64", [1]));
    const operands = factor === 1 ? symbols : [...symbols, this.constant("i64", [factor])];
    return operands.reduce((a, b) =>
      this.once(`${a} * ${b}`, () => this.node("Mul", [a, b], { hint: `size=${monomial}` })),
    );
  }

  /** A size as an int32 or int64 scalar. */
  scalar(size: Size, type: "i32" | "i64"): string {
    if (typeof size === "number") return this.constant(type, [size], []);
    return this.once(`${type} scalar ${printSize(size)}`, () => {
      const whole = this.node("Reshape", [this.size(size), this.constant("i64", [])], {
        hint: `scalar=${printSize(size)}`,
      });
      return type === "i64" ? whole : this.node("Cast", [whole], { attributes: { to: { int: 6 } } });
    });
  }

  /** A shape as int64s. */
  shape(sizes: readonly Size[]): string {
    if (sizes.every((s) => typeof s === "number")) return this.constant("i64", sizes as readonly number[]);
    return this.once(`shape ${shapeKey(sizes)}`, () => {
      // Neighbouring numbers go in one piece.
      const pieces: (number[] | string)[] = [];
      for (const s of sizes) {
        const last = pieces.at(-1);
        if (typeof s !== "number") pieces.push(this.size(s));
        else if (Array.isArray(last)) last.push(s);
        else pieces.push([s]);
      }
      const parts = pieces.map((p) => (Array.isArray(p) ? this.constant("i64", p) : p));
      return parts.length === 1 ? parts[0]! : this.concat(parts, 0, `shape=${shapeKey(sizes)}`);
    });
  }

  concat(parts: readonly string[], axis: number, hint = "concat"): string {
    return this.node("Concat", parts, { attributes: { axis: { int: axis } }, hint });
  }

  /** A node that makes `x` the given shape, zeros meant as zeros. */
  reshape(x: string, sizes: readonly Size[], hint = `${x}:reshape`): string {
    return this.node("Reshape", [x, this.shape(sizes)], { attributes: { allowzero: { int: 1 } }, hint });
  }

  // Values

  /** Say that `name` holds a value's numbers, under the shape of its axes unless another is given. */
  define(value: Value, name: string, sizes: readonly Size[] = sizesOf(value.dims)): void {
    this.#buffers.set(value, {
      views: new Map([[shapeKey(sizes), name]]),
      reshape: (to) => this.reshape(name, to),
    });
  }

  /** As `define`, for a value that can be had in any shape without a node. */
  defineFree(value: Value, make: (sizes: readonly Size[]) => string): void {
    this.#buffers.set(value, { views: new Map(), reshape: make });
  }

  /** A value that has the numbers of another, in the same order. */
  alias(value: Value, of: Value): void {
    this.#settle(of);
    this.#buffers.set(value, this.#buffers.get(of)!);
  }

  /** Leave a value until somebody asks for it; `make` defines it. */
  defer(value: Value, make: () => void): void {
    this.#deferred.set(value, make);
  }

  /** The name of a value's numbers. */
  name(value: Value): string {
    return this.view(value, sizesOf(value.dims));
  }

  /** The name of a value's numbers under another shape of the same count. */
  view(value: Value, sizes: readonly Size[]): string {
    this.#settle(value);
    const { views, reshape } = this.#buffers.get(value)!;
    const key = shapeKey(sizes);
    const known = views.get(key);
    if (known !== undefined) return known;
    const made = reshape(sizes);
    views.set(key, made);
    return made;
  }

  #settle(value: Value): void {
    if (this.#buffers.has(value)) return;
    const make = this.#deferred.get(value);
    if (make === undefined) throw new Error(`${value.op.name}[${namesOf(value.dims)}] is used before it is emitted`);
    make();
  }
}

/** What a node's results are called: by its module and op. */
export const hintOf = (node: Value): string => (node.scope ? `${node.scope}/${node.op.name}` : node.op.name);

/** Sizes as an input or output declares them. */
export const declared = (dims: readonly Axis[]): (number | string)[] =>
  dims.map((d) => (typeof d.size === "number" ? d.size : printSize(d.size)));

export const isFixed = (size: Size): size is number => typeof size === "number";

/** Where an axis stands in a value. */
export const axisIndex = (value: Value, name: unknown): number => value.dims.findIndex((d) => d.name === name);

function encode(type: "f32" | "i32" | "i64" | "bool", values: readonly number[]): Uint8Array {
  if (type === "bool") return Uint8Array.from(values, Number);
  const numbers =
    type === "f32"
      ? Float32Array.from(values)
      : type === "i32"
        ? Int32Array.from(values)
        : BigInt64Array.from(values, BigInt);
  return new Uint8Array(numbers.buffer);
}
