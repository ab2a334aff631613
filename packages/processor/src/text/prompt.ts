import { ProcessorError } from "../errors.js";
import { type Conversation, checkConversation } from "./conversation.js";
import { maskConversation } from "./mask.js";
import { type ChatTemplate, huluMedTemplate, type TemplateOptions } from "./template.js";
import type { Tokenizer } from "./tokenizer.js";

/** How many tokens a visual input takes: what `Patches` says of itself. */
export interface VisualGrid {
  readonly grid: readonly [t: number, h: number, w: number];
  readonly merge: number;
}

export interface PromptOptions extends TemplateOptions {
  /** Default {@link huluMedTemplate}. A checkpoint's own template ({@link jinjaTemplate}) wins over it. */
  readonly template?: ChatTemplate;
  /** The visual inputs in the order of the conversation's parts. Without them the placeholders stay single. */
  readonly visuals?: readonly VisualGrid[];
  /**
   * Default `"plain"`: whatever a text spells (`<image>`, `<|im_end|>`, `<think>`) stays text; only the template's own
   * tokens are tokens. `"released"`: the rendered string is encoded as a whole, as upstream does it, so texts can inject.
   */
  readonly texts?: "plain" | "released";
}

export interface Prompt {
  /** The rendered conversation, placeholders single. */
  readonly text: string;
  readonly ids: number[];
}

export interface TrainingExample {
  readonly ids: number[];
  /** The token ids that are learnt, {@link IGNORE} elsewhere. Not shifted. */
  readonly labels: number[];
}

/** The label of a token that is not learnt. */
export const IGNORE = -100;

/**
 * Renders a conversation and encodes it, each frame's placeholder expanded to its (h/m) * (w/m) tokens.
 * @throws ProcessorError `chat-*`; `chat-placeholders` where placeholders and visual inputs do not match.
 */
export function encodePrompt(conversation: Conversation, tokenizer: Tokenizer, options: PromptOptions = {}): Prompt {
  checkConversation(conversation);
  const { text, ids } = encodeRendered(conversation, tokenizer, options);
  if (options.visuals === undefined) return { text, ids };
  return { text, ids: expandPlaceholders(ids, imageTokenId(tokenizer, options), options.visuals) };
}

/**
 * Encodes a conversation for training, as the ancestor's code does: each message rendered and encoded alone; learnt are an
 * assistant's tokens after `<|im_start|>assistant\n`, its `<|im_end|>` included, its last newline not.
 * @param options.template one of the built-in templates
 */
export function encodeTraining(
  conversation: Conversation,
  tokenizer: Tokenizer,
  options: PromptOptions = {},
): TrainingExample {
  checkConversation(conversation);
  const template = options.template ?? huluMedTemplate;
  const opening = template.render([], { ...options, addGenerationPrompt: true });
  const skipped = tokenizer.encode(opening, { allowSpecial: true }).length;
  const ids: number[] = [];
  const labels: number[] = [];
  for (const message of conversation) {
    const own = encodeRendered([message], tokenizer, { ...options, addGenerationPrompt: false }).ids;
    const learnt = (i: number) => message.role === "assistant" && i >= skipped && i < own.length - 1;
    for (const [i, id] of own.entries()) {
      ids.push(id);
      labels.push(learnt(i) ? id : IGNORE);
    }
  }
  if (options.visuals === undefined) return { ids, labels };
  const image = imageTokenId(tokenizer, options);
  const counts = placeholderCounts(options.visuals);
  checkCount(ids, image, counts.length);
  return { ids: repeatAt(ids, ids, image, counts), labels: repeatAt(labels, ids, image, counts) };
}

/**
 * Repeats the n-th placeholder as often as the n-th frame has tokens.
 * @param ids with one placeholder per frame
 * @throws ProcessorError `chat-placeholders`.
 */
export function expandPlaceholders(
  ids: readonly number[],
  imageToken: number,
  visuals: readonly VisualGrid[],
): number[] {
  const counts = placeholderCounts(visuals);
  checkCount(ids, imageToken, counts.length);
  return repeatAt(ids, ids, imageToken, counts);
}

/**
 * Tokens of each frame of each visual input, (h / merge) * (w / merge).
 * @throws ProcessorError `chat-placeholders` where a grid does not divide.
 */
export function placeholderCounts(visuals: readonly VisualGrid[]): number[] {
  return visuals.flatMap(({ grid: [t, h, w], merge }, i) => {
    const count = (h / merge) * (w / merge);
    if (![t, h / merge, w / merge].every((n) => Number.isSafeInteger(n) && n >= 1)) {
      throw new ProcessorError(
        "chat-placeholders",
        `visual input ${i}: a grid of ${t} x ${h} x ${w} does not divide by ${merge}`,
      );
    }
    return Array.from({ length: t }, () => count);
  });
}

function encodeRendered(conversation: Conversation, tokenizer: Tokenizer, options: PromptOptions): Prompt {
  const template = options.template ?? huluMedTemplate;
  if (options.texts === "released") {
    const text = template.render(conversation, options);
    return { text, ids: tokenizer.encode(text, { allowSpecial: true }) };
  }
  const masked = maskConversation(conversation, tokenizer, options.imageToken ?? "<image>");
  const text = template.render(masked.conversation, options);
  const ids = tokenizer.split(text).flatMap((part) => {
    return typeof part === "string" ? tokenizer.encode(masked.unmask(part)) : [part.id];
  });
  return { text: masked.unmask(text), ids };
}

function imageTokenId(tokenizer: Tokenizer, options: PromptOptions): number {
  const token = options.imageToken ?? "<image>";
  const id = tokenizer.idOf(token);
  if (id === undefined)
    throw new ProcessorError("chat-placeholders", `the tokenizer has no token ${token} to stand for pictures`);
  return id;
}

function checkCount(ids: readonly number[], image: number, frames: number): void {
  const found = ids.reduce((n, id) => (id === image ? n + 1 : n), 0);
  if (found === frames) return;
  throw new ProcessorError(
    "chat-placeholders",
    `the prompt has ${found} placeholders, the visual inputs have ${frames} frames: give one image part per picture and num_frames per video`,
  );
}

function repeatAt(
  values: readonly number[],
  ids: readonly number[],
  image: number,
  counts: readonly number[],
): number[] {
  let frame = 0;
  return values.flatMap((value, i) =>
    ids[i] === image ? Array.from({ length: counts[frame++]! }, () => value) : [value],
  );
}
