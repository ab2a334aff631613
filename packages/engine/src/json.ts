import { EngineError } from "./error.js";

/** Levels of arrays and objects; a checkpoint's own files have at most a dozen. */
const MOST_DEPTH = 64;
/** Values of one file: twice those of the largest published tokenizers (a quarter of a million words, twice the merges). */
const MOST_VALUES = 4_000_000;
/** Keys of one object: more than the words of the largest published vocabularies, 262,144. */
const MOST_KEYS = 300_000;

/**
 * Parse a JSON file of a checkpoint. Unlike `JSON.parse` alone it refuses a key that stands twice, where the two readers of
 * a file may each see another value, and text whose values would take far more memory than the text.
 * @throws EngineError `json-invalid`
 */
export function parseJson(text: string, name: string): unknown {
  const wrong = (what: string, cause?: unknown) => new EngineError("json-invalid", `${name} ${what}`, { cause });
  checkStructure(text, wrong);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong(`is not JSON: ${reason(cause)}`, cause);
  }
}

/** What the parser says, with the place. It quotes the file, which a terminal must not obey. */
function reason(cause: unknown): string {
  const said = cause instanceof Error ? cause.message : String(cause);
  return said.slice(0, 200).replace(/[\p{Cc}\p{Cf}\p{Cs}]+/gu, " ");
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Walks over the text once without building anything. What is not JSON passes: the parser says so afterwards. */
function checkStructure(text: string, wrong: (what: string) => EngineError): void {
  // For each open object its keys so far, for each open array nothing.
  const open: (Set<string> | undefined)[] = [];
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (keys !== undefined && isKey(text, end)) addKey(keys, text.slice(at, end), wrong);
      at = end - 1;
    } else if (code === 0x7b || code === 0x5b) {
      if (open.length === MOST_DEPTH) throw wrong(`is nested more than ${MOST_DEPTH} deep`);
      open.push(code === 0x7b ? new Set() : undefined);
      values++;
    } else if (code === 0x7d || code === 0x5d) open.pop();
    else if (code === COMMA) values++;
    if (values > MOST_VALUES) throw wrong(`has more than ${MOST_VALUES} values`);
  }
}

/** The place behind the closing quote. */
function endOfString(text: string, begin: number): number {
  let at = begin + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    at += code === BACKSLASH ? 2 : 1;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === COLON;
}

function addKey(keys: Set<string>, quoted: string, wrong: (what: string) => EngineError): void {
  // One key may be spelled in several ways.
  const key = quoted.includes("\\") ? unescaped(quoted) : quoted.slice(1, -1);
  if (keys.has(key)) throw wrong(`has the key ${JSON.stringify(key.slice(0, 60))} twice in one object`);
  keys.add(key);
  if (keys.size > MOST_KEYS) throw wrong(`has an object of more than ${MOST_KEYS} keys`);
}

function unescaped(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
