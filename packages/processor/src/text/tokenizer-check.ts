import { ProcessorError } from "../errors.js";

/** Ids below this; the largest published vocabularies have a quarter of a million. */
const MAX_ID = 2 ** 24;
/** Characters of a word of the vocabulary or an added token. */
const MAX_WORD = 1024;
const MAX_ADDED = 2 ** 16;
/** Steps of all normalizers, pre-tokenizers and decoders. */
const MAX_STEPS = 64;
/** Characters of what a step puts in or looks for as it is. */
const MAX_CONTENT = 64;
/** How many times longer the steps may make a text, all together. */
const MAX_GROWTH = 64;
const MAX_PATTERN = 20_000;

type Json = Readonly<Record<string, unknown>>;

const wrong = (what: string) => new ProcessorError("tokenizer-invalid", `tokenizer.json: ${what}`);

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isCount = (value: unknown, least: number, most: number) =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
const isText = (value: unknown, most: number): value is string => typeof value === "string" && value.length <= most;

/** What a step of one kind holds other steps in. */
const sequences = { normalizer: "normalizers", pre_tokenizer: "pretokenizers", decoder: "decoders" } as const;

/**
 * Checks everything in a tokenizer.json that is built or run: the library believes it, and would build an array of a
 * billion words, or cut a text into pieces of no characters for ever.
 * @throws ProcessorError `tokenizer-invalid`
 */
export function checkTokenizer(json: unknown): asserts json is Json & { readonly model: Json } {
  if (!isObject(json) || !isObject(json.model) || typeof json.model.type !== "string")
    throw wrong("must be an object with a model that has a type");
  checkModel(json.model);
  checkAdded(json.added_tokens ?? []);
  const budget = { steps: 0, growth: 1 };
  for (const [kind, list] of Object.entries(sequences)) {
    const step = json[kind];
    if (step !== undefined && step !== null) checkStep(step, kind, list, budget);
  }
  if (budget.growth > MAX_GROWTH) throw wrong(`its steps make a text more than ${MAX_GROWTH} times longer`);
}

function checkModel(model: Json): void {
  if (model.type !== "BPE")
    throw wrong(`a model of type "${String(model.type).slice(0, 40)}" is not supported; "BPE" is`);
  const { vocab, merges } = model;
  if (!isObject(vocab)) throw wrong("model.vocab must be an object of tokens and ids that is not empty");
  let words = 0;
  for (const [word, id] of Object.entries(vocab)) {
    words++;
    if (word.length > MAX_WORD) throw wrong(`model.vocab has a word of more than ${MAX_WORD} characters`);
    if (!isCount(id, 0, MAX_ID - 1)) throw wrong(`model.vocab must be ids from 0 to ${MAX_ID - 1}`);
  }
  if (words === 0) throw wrong("model.vocab must be an object of tokens and ids that is not empty");
  if (!Array.isArray(merges)) throw wrong("model.merges must be a list");
  const pairs = Array.isArray(merges[0]);
  for (const merge of merges) {
    const parts: readonly unknown[] = pairs ? (Array.isArray(merge) ? merge : []) : [merge];
    if (parts.length !== (pairs ? 2 : 1) || !parts.every((part) => isText(part, 2 * MAX_WORD + 1)))
      throw wrong("model.merges must be a list of pairs of words, or of texts with a space between two words");
  }
  for (const key of ["unk_token", "end_of_word_suffix", "continuing_subword_prefix", "continuing_subword_suffix"])
    if (model[key] !== undefined && model[key] !== null && !isText(model[key], MAX_CONTENT))
      throw wrong(`model.${key} must be a text of at most ${MAX_CONTENT} characters`);
}

function checkAdded(added: unknown): void {
  if (!Array.isArray(added) || added.length > MAX_ADDED)
    throw wrong(`added_tokens must be a list of at most ${MAX_ADDED} tokens`);
  for (const [i, token] of added.entries()) {
    if (
      !isObject(token) ||
      !isText(token.content, MAX_WORD) ||
      token.content === "" ||
      !isCount(token.id, 0, MAX_ID - 1)
    )
      throw wrong(
        `added_tokens[${i}] needs an id from 0 to ${MAX_ID - 1} and a content of 1 to ${MAX_WORD} characters`,
      );
  }
}

interface Budget {
  steps: number;
  growth: number;
}

function checkStep(step: unknown, where: string, list: string, budget: Budget): void {
  if (!isObject(step) || typeof step.type !== "string") throw wrong(`${where} must be an object with a type`);
  if (++budget.steps > MAX_STEPS) throw wrong(`it has more than ${MAX_STEPS} normalizers, pre-tokenizers and decoders`);
  if (step.type === "Sequence") {
    const steps = step[list];
    if (!Array.isArray(steps)) throw wrong(`${where}.${list} must be a list`);
    for (const [i, inner] of steps.entries()) checkStep(inner, `${where}.${list}[${i}]`, list, budget);
    return;
  }
  const fields = rules[step.type] ?? [];
  for (const { key, fits, right } of fields) if (!fits(step[key])) throw wrong(`${where}.${key} must be ${right}`);
  budget.growth *= growthOf(step);
}

interface Rule {
  readonly key: string;
  readonly fits: (value: unknown) => boolean;
  readonly right: string;
}

const absent = (value: unknown) => value === undefined || value === null;
const text = (key: string): Rule => ({
  key,
  fits: (v) => absent(v) || isText(v, MAX_CONTENT),
  right: `a text of at most ${MAX_CONTENT} characters`,
});
const count = (key: string, least: number): Rule => ({
  key,
  fits: (v) => (least === 0 && v === undefined) || isCount(v, least, MAX_WORD),
  right: `a whole number from ${least} to ${MAX_WORD}`,
});
const flag = (key: string): Rule => ({
  key,
  fits: (v) => absent(v) || typeof v === "boolean",
  right: "true or false",
});
const pattern: Rule = {
  key: "pattern",
  fits: (v) =>
    isObject(v) && (isText(v.Regex, MAX_PATTERN) || (v.Regex === undefined && isText(v.String, MAX_CONTENT))),
  right: `a String of at most ${MAX_CONTENT} or a Regex of at most ${MAX_PATTERN} characters`,
};

/** What the steps that read anything must have. Steps of other types do not read, or are refused by the library. */
const rules: Readonly<Record<string, readonly Rule[] | undefined>> = Object.assign(Object.create(null), {
  Replace: [pattern, text("content")],
  Split: [pattern, text("behavior"), flag("invert")],
  Prepend: [{ ...text("prepend"), fits: (v: unknown) => isText(v, MAX_CONTENT) }],
  Metaspace: [text("replacement"), text("str_rep"), text("prepend_scheme")],
  FixedLength: [count("length", 1)],
  Strip: [text("content"), count("start", 0), count("stop", 0)],
  WordPiece: [text("prefix")],
  BPEDecoder: [text("suffix")],
  CTC: [text("pad_token"), text("word_delimiter_token")],
});

/** How many times longer a step makes the worst of texts. */
function growthOf(step: Json): number {
  const length = (value: unknown) => (typeof value === "string" ? value.length : 0);
  if (step.type === "Metaspace") return Math.max(1, length(step.str_rep), length(step.replacement));
  if (step.type !== "Replace") return 1;
  const { String: found } = step.pattern as { readonly String?: string };
  // A pattern may find nothing between any two characters.
  return found ? Math.max(1, length(step.content) / found.length) : length(step.content) + 1;
}
