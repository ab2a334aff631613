import { ProcessorError } from "../errors.js";
import type { Node, RuntimeValue } from "./jinja-library.js";

/** What an item of a list or dictionary counts, in characters. */
export const ITEM = 8;
const MAX_DEPTH = 128;

export const limit = (what: string) => new ProcessorError("chat-template-limit", `the chat template ${what}`);

/**
 * Tells how many characters a value has when it is written out. A list that holds a list twice counts it twice: forty such
 * levels are a small object and 2^40 items of text.
 */
export class Scale {
  // Not for what holds a namespace, the one kind of value that can change.
  readonly #known = new WeakMap<RuntimeValue, number>();
  #namespaces = 0;
  /** How many values it looked into so far. */
  visited = 0;

  /** @param most more is refused with `chat-template-limit` */
  constructor(readonly most: number) {}

  weigh(value: RuntimeValue, depth = 0): number {
    if (typeof value.value === "string") return value.value.length + ITEM;
    const items = itemsOf(value);
    if (items === undefined) return ITEM;
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH) throw limit(`nests values more than ${MAX_DEPTH} deep`);
    const namespaces = this.#namespaces;
    if (value.type === "NamespaceValue") this.#namespaces++;
    let sum = ITEM + keysOf(value);
    for (const item of items) {
      this.visited++;
      sum += this.weigh(item, depth + 1);
      if (sum > this.most) throw limit(`makes a value of more than ${this.most} characters`);
    }
    if (this.#namespaces === namespaces) this.#known.set(value, sum);
    return sum;
  }
}

/** What a list, a dictionary or a namespace holds; undefined for any other value. */
function itemsOf({ value }: RuntimeValue): Iterable<RuntimeValue> | undefined {
  if (Array.isArray(value)) return value as RuntimeValue[];
  return value instanceof Map ? (value as Map<string, RuntimeValue>).values() : undefined;
}

function keysOf({ value }: RuntimeValue): number {
  let characters = 0;
  if (value instanceof Map) for (const key of value.keys()) characters += String(key).length;
  return characters;
}

const counted = new WeakMap<object, number>();

/** How many nodes a part of a template has. */
export function countNodes(node: Node): number {
  const known = counted.get(node);
  if (known !== undefined) return known;
  let count = 0;
  const open: unknown[] = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    count++;
    for (const child of next instanceof Map ? [...next.keys(), ...next.values()] : Object.values(next))
      if (typeof child === "object" && child !== null) open.push(child);
  }
  counted.set(node, count);
  return count;
}
