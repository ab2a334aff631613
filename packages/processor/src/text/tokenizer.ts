import { ProcessorError } from "../errors.js";
import { Dictionary } from "./added-tokens.js";
import { byteLevelDecoder, genericDecoder, type TokenDecoder } from "./token-decoder.js";
import { isObject } from "./tokenizer-check.js";
import { guarded, type Library, loadLibrary } from "./tokenizer-library.js";

export interface EncodeOptions {
  /** Default false: `<image>` or `<|im_end|>` in the text is spelled out, never the token. True: as `tokenizers` encodes. */
  readonly allowSpecial?: boolean;
}

export interface DecodeIdsOptions {
  /** Leaves out tokens that tokenizer.json marks special. Default false. */
  readonly skipSpecial?: boolean;
}

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
 * Makes a tokenizer from the parsed JSON of tokenizer.json and, where there is one, tokenizer_config.json. Decoding never
 * cleans up spaces, whatever `clean_up_tokenization_spaces` says: a text comes out as it was said.
 * @throws ProcessorError `tokenizer-invalid`.
 */
export function createTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown = {}): Tokenizer {
  const library = loadLibrary(tokenizerJson, tokenizerConfig);
  const added = readAdded(tokenizerJson);
  const byContent = new Map(added.map((t) => [t.content, t]));
  const specials = new Set(added.filter((t) => t.special).map((t) => t.id));
  const dictionary = new Dictionary(byContent.values());
  const decoder = isByteLevel(tokenizerJson)
    ? byteLevelDecoder()
    : genericDecoder((ids) =>
        guarded("decode", () => library.decode([...ids], { clean_up_tokenization_spaces: false })),
      );
  const addedById = new Map(added.map((t) => [t.id, t.content]));

  const tokenOf = (id: number) => addedById.get(id) ?? library.id_to_token(id);
  const encodePlain = (text: string): number[] => guarded("encode", () => plainIds(library, addedById, text));
  const cut = (text: string) => split(text, dictionary);
  const steps = decoderSteps(decoder, tokenOf, addedById, specials);

  return {
    vocabSize: added.reduce((most, t) => Math.max(most, t.id + 1), library.model.vocab.length),
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

function readAdded(json: unknown): Rules[] {
  const list = isObject(json) && Array.isArray(json.added_tokens) ? json.added_tokens : [];
  // They were checked with the rest of the file.
  return (list as Record<string, unknown>[]).map((t) => ({
    id: t.id as number,
    content: t.content as string,
    special: t.special === true,
    lstrip: t.lstrip === true,
    rstrip: t.rstrip === true,
  }));
}

function isByteLevel(json: unknown): boolean {
  return isObject(json) && isObject(json.decoder) && json.decoder.type === "ByteLevel";
}

/** Cuts a text at its added tokens; the text beside one loses its white space where the token's rules say so. */
function split(text: string, dictionary: Dictionary<Rules>): (string | Rules)[] {
  const parts: (string | Rules)[] = [];
  let at = 0;
  let strip = false;
  const textPart = (part: string, next?: Rules) => {
    const left = strip ? part.trimStart() : part;
    const trimmed = next?.lstrip ? left.trimEnd() : left;
    if (trimmed !== "") parts.push(trimmed);
  };
  for (const { index, token } of dictionary.search(text)) {
    textPart(text.slice(at, index), token);
    parts.push(token);
    strip = token.rstrip;
    at = index + token.content.length;
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

/** A model whose own vocabulary spells an added token must still not give it for a text: cut inside the word, wherever it stands. */
function apart(token: string, text: string): string[] {
  const cut = [...token][0]!.length;
  const parts: string[] = [];
  let begin = 0;
  for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + cut)) {
    parts.push(text.slice(begin, at + cut));
    begin = at + cut;
  }
  if (parts.length === 0 || cut === token.length)
    throw new ProcessorError("tokenizer-invalid", "tokenizer.json: a text cannot be told from one of the added tokens");
  return [...parts, text.slice(begin)];
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
