import { ProcessorError } from "../errors.js";
import { compileRegex, type Instruction } from "./regex-program.js";

/** Steps that the search through one text may take: real patterns need fewer than twenty for each character. */
const STEPS = 1000;
const STEPS_PER_CHARACTER = 100;
/** Alternatives that are kept open at one time. */
const MAX_OPEN = 1_000_000;

/**
 * A regular expression that came from outside. It finds what `RegExp` finds, but by steps that are counted: a pattern
 * that tries too many ways through a text (`(a+)+$`), which `RegExp` would do for hours, is an error after a bounded time.
 */
export class BoundedRegExp extends RegExp {
  readonly #program: readonly Instruction[];
  #left = 0;

  /** The engine itself also calls this, with one of these expressions, to copy it. */
  constructor(source: RegExp, flags = source.flags) {
    super(source, flags);
    this.#program = source instanceof BoundedRegExp ? source.#program : compileRegex(source.source);
  }

  /** @throws ProcessorError `tokenizer-limit` */
  override exec(text: string): RegExpExecArray | null {
    const repeated = this.global || this.sticky;
    const begin = repeated ? this.lastIndex : 0;
    if (begin === 0) this.#left = STEPS + STEPS_PER_CHARACTER * text.length;
    for (let at = begin; at <= text.length; at += characterLength(text, at)) {
      const end = this.#run(text, at, 0);
      if (end >= 0) {
        if (repeated) this.lastIndex = end;
        return Object.assign([text.slice(at, end)] as [string], { index: at, input: text });
      }
      if (this.sticky) break;
    }
    if (repeated) this.lastIndex = 0;
    return null;
  }

  /** Runs the program from an instruction at a place of the text. @returns the end of the match, or -1 */
  #run(text: string, from: number, start: number): number {
    const registers: number[] = [];
    // Three numbers for each way that is still open: an instruction and a place, and for a run of characters its least end;
    // -1 and a register, and what was in it.
    const open: number[] = [];
    let at = from;
    let pc = start;
    for (;;) {
      this.#spend(1);
      const step = this.#program[pc++]!;
      let fits = true;
      switch (step.op) {
        case "character": {
          const place = step.back ? at - lengthBefore(text, at) : at;
          fits = (step.back ? at > 0 : at < text.length) && step.test(text.codePointAt(place)!);
          if (fits) at = step.back ? place : at + characterLength(text, at);
          break;
        }
        case "run": {
          const begin = at;
          let least = step.min === 0 ? at : -1;
          let count = 0;
          while (count < step.max && at < text.length && step.test(text.codePointAt(at)!)) {
            at += characterLength(text, at);
            if (++count === step.min) least = at;
          }
          this.#spend(at - begin);
          fits = least >= 0;
          if (fits && at > least) this.#keep(open, pc, at, least);
          break;
        }
        case "split":
          this.#keep(open, step.second, at, at);
          pc = step.first;
          break;
        case "jump":
          pc = step.to;
          break;
        case "look":
          fits = this.#run(text, at, pc) >= 0 !== step.negate;
          pc = step.next;
          break;
        case "mark":
          this.#keep(open, -1, step.register, registers[step.register] ?? -1);
          registers[step.register] = at;
          break;
        case "moved":
          fits = registers[step.register] !== at;
          break;
        case "edge":
          fits = at === (step.end ? text.length : 0);
          break;
        case "match":
          return at;
      }
      if (fits) continue;
      // Back to the last way that is open.
      for (;;) {
        if (open.length === 0) return -1;
        const least = open.pop()!;
        const place = open.pop()!;
        const instruction = open.pop()!;
        if (instruction < 0) {
          registers[place] = least;
          continue;
        }
        pc = instruction;
        at = place;
        if (place > least) {
          // The same run, a character shorter.
          at -= lengthBefore(text, place);
          if (at > least) open.push(instruction, at, least);
        }
        break;
      }
    }
  }

  #spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw tooLong();
  }

  #keep(open: number[], instruction: number, place: number, least: number): void {
    if (open.length > 3 * MAX_OPEN) throw tooLong();
    open.push(instruction, place, least);
  }
}

const tooLong = () =>
  new ProcessorError("tokenizer-limit", "tokenizer.json: a pattern of it takes too many steps to cut this text");

const isHigh = (text: string, at: number) => (text.charCodeAt(at) & 0xfc00) === 0xd800;
const isLow = (text: string, at: number) => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** Code units of the character that begins here: 2 for a pair of surrogates. */
const characterLength = (text: string, at: number): number => (isHigh(text, at) && isLow(text, at + 1) ? 2 : 1);
const lengthBefore = (text: string, at: number): number =>
  at > 1 && isLow(text, at - 1) && isHigh(text, at - 2) ? 2 : 1;
