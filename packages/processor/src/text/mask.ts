import { ProcessorError } from "../errors.js";
import type { Conversation } from "./conversation.js";
import { Float } from "./number.js";
import type { Tokenizer } from "./tokenizer.js";

/**
 * A conversation in which no text can spell an added token, alone or together with what a template puts beside it: the
 * character that such a token begins with is replaced by one of the private use area that occurs nowhere else. White
 * space and lengths stay, so a template sees the same text; whatever spells a token afterwards came from the template.
 */
export interface MaskedConversation {
  readonly conversation: Conversation;
  /** Puts the characters back. */
  unmask(text: string): string;
}

const ALWAYS_OPEN = ["<think>", "</think>"];

/**
 * In an assistant's message the tags of thinking and the added tokens that tokenizer.json does not call special stay:
 * they are the model's own words, and templates look for them.
 */
export function maskConversation(
  conversation: Conversation,
  tokenizer: Tokenizer,
  imageToken: string,
): MaskedConversation {
  const guarded = tokenizer.addedTokens.filter(({ content }) => /\S/.test(content));
  const firsts = new Set([imageToken, ...guarded.map((t) => t.content)].map((s) => [...s][0]!));
  const stand = standIns([...firsts], conversation);
  const open = [...ALWAYS_OPEN, ...guarded.filter((t) => !t.special && t.content !== imageToken).map((t) => t.content)];
  const mask = (text: string) => mapChars(text, stand);
  const back = new Map([...stand].map(([from, to]) => [to, from]));
  const masked = conversation.map((message) => {
    const maskText = message.role === "assistant" ? (text: string) => maskBetween(text, open, mask) : mask;
    const { role, ...rest } = message;
    return { ...(mapStrings(rest, maskText, 0) as object), role } as Conversation[number];
  });
  return { conversation: masked, unmask: (text) => mapChars(text, back) };
}

function standIns(chars: readonly string[], conversation: Conversation): Map<string, string> {
  const used = new Set(chars);
  const note = (text: string) => {
    for (const [c] of text.matchAll(/[\uE000-\uF8FF]/g)) used.add(c);
    return text;
  };
  mapStrings(conversation, note, 0);
  const stand = new Map<string, string>();
  for (let code = 0xe000; stand.size < chars.length; code++) {
    if (code > 0xf8ff)
      throw new ProcessorError("chat-conversation", "the texts use the whole private use area of Unicode");
    const candidate = String.fromCharCode(code);
    if (!used.has(candidate)) stand.set(chars[stand.size]!, candidate);
  }
  return stand;
}

function mapChars(text: string, map: ReadonlyMap<string, string>): string {
  let out = text;
  for (const [from, to] of map) out = out.replaceAll(from, to);
  return out;
}

/** Masks what lies between occurrences of the open strings. */
function maskBetween(text: string, open: readonly string[], mask: (text: string) => string): string {
  const [next, ...rest] = open;
  if (next === undefined) return mask(text);
  return text
    .split(next)
    .map((part) => maskBetween(part, rest, mask))
    .join(next);
}

/** Every string in a JSON-like value, keys too. */
function mapStrings(value: unknown, f: (text: string) => string, depth: number): unknown {
  if (depth > 64) throw new ProcessorError("chat-conversation", "the conversation is nested more than 64 deep");
  if (typeof value === "string") return f(value);
  if (value instanceof Float || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((v: unknown) => mapStrings(v, f, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [f(k), mapStrings(v, f, depth + 1)]));
}
