import { fail, quote, type SafetensorsErrorCode, type Where } from "./error.js";

/** Levels of nesting that `skip` follows: deeper text would cost stack. */
const MAX_DEPTH = 64;
/** Characters of a number: enough for every safe integer and double, and a bound on what is kept of a longer one. */
const MAX_NUMBER = 40;

const INTEGER = /^(?:0|[1-9][0-9]*)$/;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A strict reader of JSON (RFC 8259) driven by what the caller expects next. `JSON.parse` will not do for data from
 * outside: it keeps the last of two equal keys without a word, gives `__proto__` a meaning, turns 2^53 + 1 into 2^53,
 * and builds whatever the text says before anybody can refuse it.
 */
export class JsonCursor {
  /** What errors name; the caller narrows it to the tensor being read. */
  where: Where;
  readonly #text: string;
  readonly #syntax: SafetensorsErrorCode;
  #at = 0;

  /** `syntax` is the code of the error thrown where the text is not JSON. */
  constructor(text: string, where: Where, syntax: SafetensorsErrorCode) {
    this.where = where;
    this.#text = text;
    this.#syntax = syntax;
  }

  /** Reads an object; `entry` is called after each key and must read its value. Throws `duplicate-key`. */
  object(what: string, entry: (key: string) => void): void {
    this.#expect("{", what);
    if (this.#take("}")) return;
    const seen = new Set<string>();
    do {
      const key = this.string(`a key of ${what}`, this.#syntax);
      if (seen.has(key)) fail("duplicate-key", this.where, `${what} has ${quote(key)} twice`, "every key once");
      seen.add(key);
      this.#expect(":", what);
      entry(key);
    } while (this.#take(","));
    this.#expect("}", what);
  }

  /** Reads an array; `item` is called for each element and must read it. `code`: the error if it is no array. */
  array(what: string, code: SafetensorsErrorCode, item: (index: number) => void): void {
    if (!this.#take("[")) this.#unexpected(code, `${what} to be an array`);
    if (this.#take("]")) return;
    let index = 0;
    do item(index++);
    while (this.#take(","));
    this.#expect("]", what);
  }

  /** Reads a string. Lone surrogates are refused, since no UTF-8 text can mean them. */
  string(what: string, code: SafetensorsErrorCode): string {
    this.#space();
    if (this.#text[this.#at] !== '"') this.#unexpected(code, `${what} to be a string`);
    const begin = this.#at++;
    let escaped = false;
    for (; ; this.#at++) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === 0x22) break;
      // The negation also catches the NaN past the end of the text.
      if (!(unit >= 0x20)) this.#unexpected(this.#syntax, `${what} to go on, or its closing quote`);
      if (unit === 0x5c) {
        escaped = true;
        this.#at++;
      }
    }
    const quoted = this.#text.slice(begin, ++this.#at);
    return escaped ? this.#unescape(quoted, what) : quoted.slice(1, -1);
  }

  /** Reads an integer from 0 to 2^53 - 1, written plainly: no sign, fraction or exponent. */
  integer(what: string, code: SafetensorsErrorCode): number {
    const text = this.#number();
    if (text === "") this.#unexpected(code, `${what} to be an integer`);
    const value = Number(text);
    if (INTEGER.test(text) && Number.isSafeInteger(value)) return value;
    return fail(code, this.where, `${what} is ${text}`, "an integer from 0 to 2^53 - 1");
  }

  /** Reads any value and forgets it. */
  skip(what: string, depth = 0): void {
    const first = this.#peek();
    if (depth >= MAX_DEPTH && (first === "{" || first === "[")) {
      fail(this.#syntax, this.where, `${what} is nested too deep`, `at most ${MAX_DEPTH} levels`);
    }
    const inner = () => this.skip(what, depth + 1);
    if (first === "{") this.object(what, inner);
    else if (first === "[") this.array(what, this.#syntax, inner);
    else if (first === '"') this.string(what, this.#syntax);
    else this.#scalar(what);
  }

  #scalar(what: string): void {
    if (this.#take("true") || this.#take("false") || this.#take("null")) return;
    if (!NUMBER.test(this.#number())) this.#unexpected(this.#syntax, `${what} to be a JSON value`);
  }

  /** Nothing but white space may follow. */
  end(what: string): void {
    if (this.#peek() !== undefined) this.#unexpected(this.#syntax, `nothing after ${what}`);
  }

  #number(): string {
    this.#space();
    const begin = this.#at;
    while (isNumeric(this.#text.charCodeAt(this.#at)) && this.#at - begin < MAX_NUMBER) this.#at++;
    return this.#text.slice(begin, this.#at);
  }

  #unescape(quoted: string, what: string): string {
    let text: unknown;
    try {
      text = JSON.parse(quoted);
    } catch (cause) {
      fail(this.#syntax, this.where, `${what} has a bad escape`, "the escapes of JSON", cause);
    }
    if (typeof text === "string" && !LONE_SURROGATE.test(text)) return text;
    return fail(this.#syntax, this.where, `${what} has half a surrogate pair`, "whole characters");
  }

  #space(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #peek(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  #take(token: string): boolean {
    this.#space();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string, what: string): void {
    if (!this.#take(token)) this.#unexpected(this.#syntax, `"${token}" in ${what}`);
  }

  #unexpected(code: SafetensorsErrorCode, right: string): never {
    const found = this.#text[this.#at];
    const wrong = found === undefined ? "the text ends" : `found ${quote(found)}`;
    return fail(code, this.where, `${wrong} at character ${this.#at}`, right);
  }
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

/** Digits, sign, point and exponent: a run of these is judged as a whole afterwards. */
function isNumeric(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || unit === 0x2d || unit === 0x2b || unit === 0x2e || (unit | 0x20) === 0x65;
}

/** Text of bytes that must be UTF-8; `code` is the error where they are not. A byte order mark is kept, and so refused. */
export function decodeUtf8(bytes: Uint8Array, where: Where, code: SafetensorsErrorCode): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    return fail(code, where, "the text is not valid UTF-8", "UTF-8", cause);
  }
}
