import * as tokenizers from "@huggingface/tokenizers";
import { ProcessorError } from "../errors.js";
import { byteLevelDecoder, genericDecoder, type TokenDecoder } from "./token-decoder.js";

export interface EncodeOptions {
  /** Default false: `<image>` or `<|im_end|>` in the text is spelled out, never the token. True: as `tokenizers` encodes. */
  readonly allowSpecial?: boolean;
}

export interface DecodeIdsOptions {
  /** Leaves out tokens that tokenizer.json marks special. Default false. */
  readonly skipSpecial?: boolean;
}

// The library's declarations do not resolve under NodeNext: what is used of it is written down here.
interface Library {
  readonly normalizer: ((text: string) => string) | null;
  readonly pre_tokenizer: ((text: string, options: { section_index: number }) => string[]) | null;
  readonly model: Model;
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  id_to_token(id: number): string | undefined;
  token_to_id(token: string): number | undefined;
}
interface Model {
  (words: readonly string[]): string[];
  readonly vocab: { readonly length: number };
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token_id?: number;
}
const LibraryTokenizer = tokenizers.Tokenizer as unknown as new (json: object, config: object) => Library;

/** Text to token ids and back. */
export interface Tokenizer {
  /** The highest id plus one. A model's table may have more rows. */
  readonly vocabSize: number;
  encode(text: string, options?: EncodeOptions): number[];
  /** Cuts a text at the added tokens it spells; what lies between is left as it is. */
  split(text: string): (string | AddedToken)[];
  /** Ids without a token (rows that only the model's table has) give nothing. @throws ProcessorError `tokenizer-id`. */
  decode(ids: readonly number[], options?: DecodeIdsOptions): string;
  /** The id of a token, spelled as in tokenizer.json. */
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  isSpecial(id: number): boolean;
  /** The added tokens (special or not), which `allowSpecial` and chat templates can name. */
  readonly addedTokens: readonly AddedToken[];
  /** A decoder that is fed one id at a time and gives whole characters only. */
  stream(options?: DecodeIdsOptions): TokenStream;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

export interface TokenStream {
  /** @returns the text that became certain; a character cut in two waits for its rest. */
  push(id: number): string;
  /** No more ids: gives what was held back; bytes that are no character come out as U+FFFD, as in `decode`. */
  end(): string;
}

interface Rules extends AddedToken {
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/**
 * Makes a tokenizer from the parsed JSON of tokenizer.json and, where there is one, tokenizer_config.json.
 * @throws ProcessorError `tokenizer-invalid`.
 */
export function createTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown = {}): Tokenizer {
  const library = load(tokenizerJson, tokenizerConfig);
  const added = readAdded(tokenizerJson);
  const byContent = new Map(added.map((t) => [t.content, t]));
  const specials = new Set(added.filter((t) => t.special).map((t) => t.id));
  const pattern = alternatives(added.map((t) => t.content));
  const decoder = isByteLevel(tokenizerJson)
    ? byteLevelDecoder()
    : genericDecoder((ids) => library.decode([...ids], { clean_up_tokenization_spaces: false }));
  const addedById = new Map(added.map((t) => [t.id, t.content]));

  const tokenOf = (id: number) => addedById.get(id) ?? library.id_to_token(id);
  const encodePlain = (text: string): number[] => plainIds(library, addedById, text);
  const cut = (text: string) => (pattern === undefined ? [text] : split(text, pattern, byContent));
  const steps = decoderSteps(decoder, tokenOf, addedById, specials);

  return {
    vocabSize: Math.max(library.model.vocab.length, ...added.map((t) => t.id + 1)),
    addedTokens: added.map(({ id, content, special }) => ({ id, content, special })),
    encode(text, options = {}) {
      if (!options.allowSpecial) return encodePlain(text);
      return cut(text).flatMap((s) => (typeof s === "string" ? encodePlain(s) : [s.id]));
    },
    split: cut,
    decode(ids, options = {}) {
      const stream = steps(options.skipSpecial ?? false);
      let text = "";
      for (const id of ids) text += stream.push(id);
      return text + stream.end();
    },
    idOf: (token) => byContent.get(token)?.id ?? library.token_to_id(token),
    tokenOf,
    isSpecial: (id) => specials.has(id),
    stream: (options = {}) => steps(options.skipSpecial ?? false),
  };
}

function load(json: unknown, config: unknown): Library {
  if (!isObject(json) || !isObject(json.model) || typeof json.model.type !== "string") {
    throw new ProcessorError("tokenizer-invalid", "tokenizer.json: must be an object with a model that has a type");
  }
  if (!hasVocabulary(json.model)) {
    throw new ProcessorError(
      "tokenizer-invalid",
      "tokenizer.json: model.vocab must be an object of tokens and ids (a list of tokens and scores for Unigram) that is not empty",
    );
  }
  if (!isObject(config)) throw new ProcessorError("tokenizer-invalid", "tokenizer_config.json: must be an object");
  const whole = {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
    ...json,
  };
  try {
    return new LibraryTokenizer(whole, config);
  } catch (cause) {
    const message = "tokenizer.json: the model, its vocabulary or a step of it is not one that can be read";
    throw new ProcessorError("tokenizer-invalid", message, { cause });
  }
}

/** The library takes a model without a vocabulary, and then finds no token in any text. */
function hasVocabulary({ vocab }: Record<string, unknown>): boolean {
  return typeof vocab === "object" && vocab !== null && Object.keys(vocab).length > 0;
}

function readAdded(json: unknown): Rules[] {
  const list = isObject(json) && Array.isArray(json.added_tokens) ? json.added_tokens : [];
  return list.map((t: unknown, i) => {
    if (!isObject(t) || typeof t.content !== "string" || t.content === "" || !Number.isSafeInteger(t.id)) {
      throw new ProcessorError("tokenizer-invalid", `tokenizer.json: added_tokens[${i}] needs an id and a content`);
    }
    const { id, content } = t;
    return {
      id: id as number,
      content,
      special: t.special === true,
      lstrip: t.lstrip === true,
      rstrip: t.rstrip === true,
    };
  });
}

function isByteLevel(json: unknown): boolean {
  return isObject(json) && isObject(json.decoder) && json.decoder.type === "ByteLevel";
}

/** A pattern that finds any of the strings, the longest first where several begin at one place. */
function alternatives(strings: readonly string[]): RegExp | undefined {
  if (strings.length === 0) return undefined;
  const longestFirst = [...strings].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((s) => s.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|"), "gu");
}

/** Cuts a text at its added tokens; the text beside one loses its white space where the token's rules say so. */
function split(text: string, pattern: RegExp, byContent: ReadonlyMap<string, Rules>): (string | Rules)[] {
  const parts: (string | Rules)[] = [];
  let at = 0;
  let strip = false;
  const textPart = (part: string, next?: Rules) => {
    const left = strip ? part.trimStart() : part;
    const trimmed = next?.lstrip ? left.trimEnd() : left;
    if (trimmed !== "") parts.push(trimmed);
  };
  for (const match of text.matchAll(pattern)) {
    const token = byContent.get(match[0])!;
    textPart(text.slice(at, match.index), token);
    parts.push(token);
    strip = token.rstrip;
    at = match.index + match[0].length;
  }
  textPart(text.slice(at));
  return parts;
}

/** The ids of a text in which nothing is an added token: normalizer, pre-tokenizer and model without the token search. */
function plainIds(library: Library, added: ReadonlyMap<number, string>, text: string): number[] {
  if (text === "") return [];
  const normal = library.normalizer === null ? text : library.normalizer(text);
  if (normal === "") return [];
  const words = library.pre_tokenizer === null ? [normal] : library.pre_tokenizer(normal, { section_index: 0 });
  const { model } = library;
  const ids = model(words).map((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id);
  const named = ids
    .map((id) => (id === undefined ? undefined : added.get(id)))
    .find((content) => content !== undefined);
  if (named !== undefined) return apart(named, normal).flatMap((part) => plainIds(library, added, part));
  return ids.filter((id) => id !== undefined);
}

/** A model whose own vocabulary spells an added token must still not give it for a text: cut inside the word. */
function apart(token: string, text: string): string[] {
  const at = text.indexOf(token);
  const cut = [...token][0]!.length;
  if (at < 0 || cut === token.length) {
    throw new ProcessorError("tokenizer-invalid", "tokenizer.json: a text cannot be told from one of the added tokens");
  }
  return [text.slice(0, at + cut), text.slice(at + cut)];
}

function decoderSteps(
  decoder: TokenDecoder,
  tokenOf: (id: number) => string | undefined,
  added: ReadonlyMap<number, string>,
  specials: ReadonlySet<number>,
): (skipSpecial: boolean) => TokenStream {
  return (skipSpecial) => {
    const state = decoder.start();
    return {
      push(id) {
        if (!Number.isSafeInteger(id) || id < 0) {
          throw new ProcessorError("tokenizer-id", "a token id must be an integer of at least 0");
        }
        const token = tokenOf(id);
        if (token === undefined || (skipSpecial && specials.has(id))) return "";
        const content = added.get(id);
        return content === undefined ? state.token(id, token) : state.end() + content;
      },
      end: () => state.end(),
    };
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
