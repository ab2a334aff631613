import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "./errors.js";

/** One option of a command. */
export interface Option {
  readonly type: "string" | "boolean";
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What stands for its value in the help. */
  readonly value?: string;
  readonly help: string;
}
export type Options = Readonly<Record<string, Option>>;

/** What a command line said, and its options in the order of the line. */
export interface Parsed {
  readonly positionals: readonly string[];
  readonly order: readonly { readonly name: string; readonly value: string | undefined }[];
  text(name: string): string | undefined;
  /** All values of an option that may be given several times. */
  texts(name: string): string[];
  flag(name: string): boolean;
  /** A whole number from `least`. */
  count(name: string, least?: number): number | undefined;
  /** Bytes: a number with a unit, `8GB`, `512 MiB`. */
  bytes(name: string): number | undefined;
  number(name: string, fits: (n: number) => boolean, range: string): number | undefined;
  oneOf<const T extends string>(name: string, allowed: readonly T[]): T | undefined;
}

/** @throws UsageError for an unknown option, with the nearest known one; for a missing or repeated value */
export function parseOptions(args: readonly string[], options: Options): Parsed {
  const { tokens } = parse(args, options);
  const order: { name: string; value: string | undefined }[] = [];
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) throw unknownOption(token.rawName, options);
    if (option.type === "string" && (token.value === undefined || (!token.inlineValue && /^--[a-z]/.test(token.value))))
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value ?? "VALUE"}`);
    if (option.type === "boolean" && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    if (!option.multiple && order.some((o) => o.name === token.name))
      throw new UsageError(`${token.rawName} is given twice`);
    order.push({ name: token.name, value: token.value });
  }
  return { positionals, order, ...readers(order) };
}

function parse(args: readonly string[], options: Options) {
  const known: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, { type }] of Object.entries(options)) known[name] = { type, multiple: true };
  return parseArgs({ args: [...args], options: known, strict: false, allowPositionals: true, tokens: true });
}

function readers(
  order: Parsed["order"],
): Pick<Parsed, "text" | "texts" | "flag" | "count" | "bytes" | "number" | "oneOf"> {
  const text = (name: string) => order.find((o) => o.name === name)?.value;
  const number: Parsed["number"] = (name, fits, range) => {
    const given = text(name);
    if (given === undefined) return undefined;
    const value = given.trim() === "" ? Number.NaN : Number(given);
    if (!Number.isFinite(value) || !fits(value)) throw new UsageError(`--${name} is "${given}"; it must be ${range}`);
    return value;
  };
  return {
    text,
    texts: (name) => order.flatMap((o) => (o.name === name && o.value !== undefined ? [o.value] : [])),
    number,
    flag: (name) => order.some((o) => o.name === name),
    count: (name, least = 1) =>
      number(name, (n) => Number.isSafeInteger(n) && n >= least, `a whole number of at least ${least}`),
    bytes: (name) => {
      const given = text(name);
      const size = given === undefined ? undefined : bytesOf(given);
      if (given !== undefined && size === undefined)
        throw new UsageError(`--${name} is "${given}"; it must be a size with its unit, such as 8GB, 500MB or 2GiB`);
      return size;
    },
    oneOf: <const T extends string>(name: string, allowed: readonly T[]) => {
      const given = text(name);
      const found = allowed.find((a) => a === given);
      if (given !== undefined && found === undefined)
        throw new UsageError(`--${name} is "${given}"; it must be one of ${allowed.join(", ")}`);
      return found;
    },
  };
}

/** A size as people write it. A unit must stand there: 8 alone is as likely meant as GB. */
function bytesOf(given: string): number | undefined {
  const [, number, prefix = "", binary] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b\s*$/i.exec(given) ?? [];
  const bytes = Math.floor(Number(number) * (binary ? 1024 : 1000) ** " kmgt".indexOf(prefix.toLowerCase() || " "));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

function unknownOption(given: string, options: Options): UsageError {
  const names = Object.keys(options);
  const word = given.replace(/^-+/, "");
  // A letter is no word that something was misspelled into: it is the beginning of one.
  const near = word.length === 1 ? names.find((name) => name.startsWith(word)) : nearest(word, names);
  return new UsageError(`there is no option ${given}${near === undefined ? "" : `; did you mean --${near}?`}`);
}

/** The known word that takes the fewest edits, if that is few. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((name) => ({ name, edits: distance(word, name) })).sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= Math.max(2, Math.ceil(best.name.length / 2)) ? best.name : undefined;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])));
    row = next;
  }
  return row[b.length]!;
}

/** The help of a command: its usage line, what it does, and its options. */
export function help(usage: string, about: string, options: Options): string {
  const names = Object.entries(options).map(
    ([name, o]) => [`--${name}${o.type === "string" ? ` ${o.value ?? "VALUE"}` : ""}`, o.help] as const,
  );
  const width = Math.max(...names.map(([name]) => name.length)) + 2;
  return [`usage: ${usage}`, "", about, "", ...names.map(([name, text]) => `  ${name.padEnd(width)}${text}`), ""].join(
    "\n",
  );
}
