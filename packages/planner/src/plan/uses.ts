import { type Graph, ops, rootsOf, topological, type Value } from "@hulu/core";
import { isView } from "./views.js";

/** Who reads what in a graph. */
export class Uses {
  /** Each value after its inputs. */
  readonly order: readonly Value[];
  readonly #readers = new Map<Value, Value[]>();
  readonly #kept: ReadonlySet<Value>;
  readonly #fixed = new Set<Value>();

  constructor(graph: Graph) {
    this.order = topological(rootsOf(graph));
    this.#kept = new Set([...Object.values(graph.outputs), ...graph.states.map((s) => s.next)]);
    for (const node of this.order) {
      const { inputs } = node;
      if (isFixedLeaf(node) || (inputs.length > 0 && inputs.every((i) => this.#fixed.has(i)))) this.#fixed.add(node);
      for (const input of inputs) {
        const readers = this.#readers.get(input);
        if (readers === undefined) this.#readers.set(input, [node]);
        else readers.push(node);
      }
    }
  }

  /** Those that read a value's numbers, directly or through a view; one that reads them twice is there twice. */
  readers(value: Value): Value[] {
    return (this.#readers.get(value) ?? []).flatMap((r) => (isView(r) ? this.readers(r) : [r]));
  }

  /**
   * What lies behind an operand's views, where nobody else wants its numbers: it may become a part of what reads it.
   * Undefined where somebody does, or where the caller gets them.
   */
  inner(operand: Value): Value | undefined {
    let at = operand;
    while (this.#readers.get(at)?.length === 1 && !this.#kept.has(at)) {
      if (!isView(at)) return at;
      at = at.inputs[0]!;
    }
    return undefined;
  }

  /** Whether a value is made of weights and constants alone. */
  isFixed(value: Value): boolean {
    return this.#fixed.has(value);
  }
}

const isFixedLeaf = ({ op }: Value): boolean => op === ops.paramOp || op === ops.constantOp;
