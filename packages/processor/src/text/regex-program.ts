import { type AST, RegExpParser } from "@eslint-community/regexpp";

/** Tells whether one character belongs to a set. */
export type CharacterTest = (codePoint: number) => boolean;

/** One step of a match. `next` and `to` are places in the program. */
export type Instruction =
  /** One character of the set, forwards or (in a lookbehind) backwards. */
  | { readonly op: "character"; readonly test: CharacterTest; readonly back: boolean }
  /** A greedy run of characters of the set. */
  | { readonly op: "run"; readonly test: CharacterTest; readonly min: number; readonly max: number }
  /** Goes on at the first; if that fails, at the second. */
  | { op: "split"; first: number; second: number }
  | { op: "jump"; to: number }
  /** Goes on at `next` if what begins at the following instruction matches here, or does not. */
  | { op: "look"; readonly negate: boolean; next: number }
  /** Remembers the place in a register; `moved` fails where a turn of a loop has matched nothing. */
  | { readonly op: "mark"; readonly register: number }
  | { readonly op: "moved"; readonly register: number }
  | { readonly op: "edge"; readonly end: boolean }
  | { readonly op: "match" };

const MAX_PATTERN = 20_000;
const MAX_INSTRUCTIONS = 2000;

/**
 * Translates a regular expression of JavaScript (flag u) into steps that can be counted. Capturing groups only group.
 * @throws Error for what is not one, for a backreference or a word boundary, and for one that is too long
 */
export function compileRegex(source: string): readonly Instruction[] {
  if (source.length > MAX_PATTERN) throw new Error(`the pattern has more than ${MAX_PATTERN} characters`);
  const pattern = new RegExpParser({ ecmaVersion: 2025 }).parsePattern(source, undefined, undefined, { unicode: true });
  const compiler = new Compiler();
  compiler.alternatives(pattern.alternatives, false);
  compiler.emit({ op: "match" });
  return compiler.program;
}

class Compiler {
  readonly program: Instruction[] = [];
  #registers = 0;
  readonly #tests = new Map<string, CharacterTest>();

  emit<I extends Instruction>(instruction: I): I {
    if (this.program.length >= MAX_INSTRUCTIONS)
      throw new Error("the pattern is too large once its repeats are written out");
    this.program.push(instruction);
    return instruction;
  }

  get #here(): number {
    return this.program.length;
  }

  alternatives(list: readonly AST.Alternative[], back: boolean): void {
    const ends: { to: number }[] = [];
    for (const [i, { elements }] of list.entries()) {
      const split = i < list.length - 1 ? this.emit({ op: "split", first: this.#here + 1, second: 0 }) : undefined;
      for (const element of back ? elements.toReversed() : elements) this.#element(element, back);
      if (split === undefined) continue;
      ends.push(this.emit({ op: "jump", to: 0 }));
      split.second = this.#here;
    }
    for (const end of ends) end.to = this.#here;
  }

  #element(node: AST.Element, back: boolean): void {
    switch (node.type) {
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
        this.emit({ op: "character", test: this.#test(node.raw), back });
        return;
      case "Group":
        if (node.modifiers !== null) throw new Error("the pattern has modifiers");
        this.alternatives(node.alternatives, back);
        return;
      case "CapturingGroup":
        this.alternatives(node.alternatives, back);
        return;
      case "Quantifier":
        this.#quantifier(node, back);
        return;
      case "Assertion":
        this.#assertion(node);
        return;
      default:
        throw new Error(`the pattern has a ${node.type}`);
    }
  }

  #assertion(node: AST.Assertion): void {
    if (node.kind === "lookahead" || node.kind === "lookbehind") {
      const look = this.emit({ op: "look", negate: node.negate, next: 0 });
      this.alternatives(node.alternatives, node.kind === "lookbehind");
      this.emit({ op: "match" });
      look.next = this.#here;
      return;
    }
    if (node.kind === "word") throw new Error("the pattern has a word boundary");
    this.emit({ op: "edge", end: node.kind === "end" });
  }

  #quantifier({ element, min, max, greedy }: AST.Quantifier, back: boolean): void {
    const single = element.type === "Character" || element.type === "CharacterSet" || element.type === "CharacterClass";
    if (single && greedy && !back) {
      this.emit({ op: "run", test: this.#test(element.raw), min, max });
      return;
    }
    for (let i = 0; i < min; i++) {
      const before = this.#here;
      this.#element(element, back);
      // However often: nothing.
      if (this.#here === before) return;
    }
    if (max === Number.POSITIVE_INFINITY) this.#star(element, greedy, back);
    else for (const split of this.#optional(element, max - min, greedy, back)) this.#leave(split, greedy);
  }

  #star(element: AST.QuantifiableElement, greedy: boolean, back: boolean): void {
    const begin = this.#here;
    const split = this.#enter(greedy);
    this.#turn(element, back);
    this.emit({ op: "jump", to: begin });
    this.#leave(split, greedy);
  }

  #optional(element: AST.QuantifiableElement, count: number, greedy: boolean, back: boolean) {
    const splits: { first: number; second: number }[] = [];
    for (let i = 0; i < count; i++) {
      splits.push(this.#enter(greedy));
      this.#turn(element, back);
    }
    return splits;
  }

  /** One turn of a loop, which must match something. */
  #turn(element: AST.QuantifiableElement, back: boolean): void {
    const register = this.#registers++;
    this.emit({ op: "mark", register });
    this.#element(element, back);
    this.emit({ op: "moved", register });
  }

  #enter(greedy: boolean): { first: number; second: number } {
    const split = this.emit({ op: "split", first: 0, second: 0 });
    split[greedy ? "first" : "second"] = this.#here;
    return split;
  }

  #leave(split: { first: number; second: number }, greedy: boolean): void {
    split[greedy ? "second" : "first"] = this.#here;
  }

  #test(raw: string): CharacterTest {
    const known = this.#tests.get(raw);
    if (known !== undefined) return known;
    const test = characterTest(raw);
    this.#tests.set(raw, test);
    return test;
  }
}

const ASCII = 128;
const MAX_KNOWN = 4096;

/** Asks the engine's own regular expressions about each character once. */
function characterTest(raw: string): CharacterTest {
  const one = new RegExp(`^(?:${raw})$`, "u");
  const ask = (codePoint: number) => one.test(String.fromCodePoint(codePoint));
  const ascii = Array.from({ length: ASCII }, (_, codePoint) => ask(codePoint));
  const known = new Map<number, boolean>();
  return (codePoint) => {
    if (codePoint < ASCII) return ascii[codePoint]!;
    const answer = known.get(codePoint);
    if (answer !== undefined) return answer;
    if (known.size >= MAX_KNOWN) known.clear();
    const asked = ask(codePoint);
    known.set(codePoint, asked);
    return asked;
  };
}
