import { type Graph, rootsOf, topological, type Value } from "@hulu/core";
import { base, isView } from "./views.js";

/** Who reads what in a graph. */
export class Uses {
  /** Each value after its inputs. */
  readonly order: readonly Value[];
  readonly #readers = new Map<Value, Value[]>();
  readonly #kept: ReadonlySet<Value>;
  readonly #fixed = new Map<Value, boolean>();

  constructor(graph: Graph) {
    this.order = topological(rootsOf(graph));
    this.#kept = new Set([...Object.values(graph.outputs), ...graph.states.map((s) => s.next)]);
    for (const node of this.order)
      for (const input of node.inputs) {
        const readers = this.#readers.get(input);
        if (readers === undefined) this.#readers.set(input, [node]);
        else readers.push(node);
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
    const known = this.#fixed.get(value);
    if (known !== undefined) return known;
    const { name } = value.op;
    const leaf = name === "param" || name === "constant";
    const fixed = leaf || (value.inputs.length > 0 && value.inputs.every((i) => this.isFixed(base(i))));
    this.#fixed.set(value, fixed);
    return fixed;
  }
}
