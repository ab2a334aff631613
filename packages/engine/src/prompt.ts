import { type EncodedItem, encodeFrames, type Prompt, spliceVisual, type VlmConfig } from "@hulu/core";
import { encodePrompt, type InputWarning } from "@hulu/processor";
import type { PromptOptions } from "./ask-options.js";
import { stopwatch } from "./clock.js";
import type { Message } from "./content.js";
import { EngineError } from "./error.js";
import { eyeOf, type Loaded } from "./loaded.js";
import { cutFrames, fewestTokens, planVisual, type VisualPlan } from "./plan.js";
import { type Identities, rowIdentity, tokenIdentity } from "./prefix.js";
import { prepare, type SeenParts, textOnly, type Visual } from "./prepare.js";
import { watched } from "./text-watch.js";
import { visualKey } from "./visual-identity.js";
import type { EncodedVisual, VisualStore } from "./visual-store.js";

/** A conversation as token ids, its visual inputs not encoded yet. */
export interface Draft {
  /** Every placeholder expanded. */
  readonly ids: readonly number[];
  readonly items: readonly Item[];
}

/** A visual input, and how it is cut up in this conversation. */
interface Item extends VisualPlan {
  readonly visual: Visual;
  readonly key: string;
}

/** A prompt ready for the decoder. */
export interface Ready {
  readonly prompt: Prompt;
  /** What stands at each of its positions. */
  readonly identities: Identities;
  readonly visualTokens: { readonly all: number; readonly kept: number };
  /** Its visual inputs. */
  readonly keys: ReadonlySet<string>;
  /** What is odd about them. */
  readonly warnings: readonly InputWarning[];
  /** Milliseconds that went by while frames were decoded, resized and cut up. */
  readonly processing: number;
}

export interface DraftOptions extends PromptOptions {
  /** Whether an answer is to follow; else more of the conversation is. */
  readonly answered: boolean;
  /** What is known of parts that were looked at before; gets what is learnt now. */
  readonly seen: SeenParts;
  /** Nothing follows this answer: its visual inputs need not be known again, and are not hashed. */
  readonly once: boolean;
}

/**
 * Write a conversation down.
 * @throws EngineError `prompt-too-long`, `prompt-empty`, ProcessorError
 */
export async function draft(loaded: Loaded, messages: readonly Message[], options: DraftOptions): Promise<Draft> {
  const { tokenizer, template, templateVariables, imageToken } = loaded.checkpoint;
  const { conversation, visuals } = await prepare(messages, options);
  // A part that only says how many frames it had must not be believed: each frame takes a position at least.
  checkLength(
    loaded,
    visuals.reduce((n, { frames }) => n + frames, 0),
  );
  const items = itemsOf(loaded, visuals, options);
  const shared = {
    template,
    addGenerationPrompt: options.answered,
    addSystemPrompt: options.systemPrompt ?? visuals.length > 0,
    variables: { ...templateVariables, ...options.templateVariables },
  };
  const { ids } = watched(loaded.watch, () =>
    imageToken === undefined
      ? encodePrompt(textOnly(conversation), tokenizer, shared)
      : encodePrompt(conversation, tokenizer, { ...shared, visuals: items, imageToken: imageToken.text }),
  );
  // A template may make nothing of what was said.
  if (options.answered && ids.length === 0)
    throw new EngineError("prompt-empty", "the chat template made an empty prompt of the conversation");
  checkLength(loaded, fewest(ids, placeholder(loaded), items));
  return { ids, items };
}

/** The id of what stands for a picture; none of a language model's. */
const placeholder = ({ checkpoint }: Loaded): number => checkpoint.imageToken?.id ?? -1;

/** The sizes of all visual inputs depend on one another, so they are found anew in each call. */
function itemsOf(loaded: Loaded, visuals: readonly Visual[], options: PromptOptions): Item[] {
  if (visuals.length === 0) return [];
  const { config, preprocessor } = eyeOf(loaded).checkpoint;
  const prune = options.prune ?? (config.tokenCompression ? "released" : "off");
  const shown = visuals.map(({ kind, frames, height, width }) => ({ kind, count: frames, height, width }));
  return planVisual(shown, preprocessor, { ...options, prune }).map((plan, i) => {
    const visual = visuals[i]!;
    checkTable(config, plan.grid);
    const key = visualKey(visual, { ...plan, passOrder: options.passOrder, preprocessor });
    return { ...plan, visual, key };
  });
}

/** An encoder with learned positions has them for so many patches and no more. */
function checkTable({ vision }: VlmConfig, [, rows, columns]: Item["grid"]): void {
  if (!("side" in vision) || Math.max(rows, columns) <= vision.side) return;
  throw new EngineError(
    "content-invalid",
    `a picture of ${rows} x ${columns} patches does not fit the encoder's table of ${vision.side} x ${vision.side} positions; give a smaller or squarer one, or lower max_tokens in preprocessor_config.json`,
  );
}

/**
 * Encode what is not held, and give each placeholder that is left its visual row.
 * @param store gets what was encoded
 * @throws EngineError `prompt-too-long`, `content-changed`, `visual-forgotten`; what reading the inputs throws
 */
export async function encode(
  loaded: Loaded,
  { ids, items }: Draft,
  store: VisualStore,
  options: PromptOptions,
): Promise<Ready> {
  // The last of equal ones: a part that stands for pixels comes before those that were given since, which have them.
  const givers = new Map(items.map((item) => [item.key, item]));
  const visuals: EncodedVisual[] = [];
  let processing = 0;
  for (const { key } of items) {
    const fresh = () => encodeFresh(loaded, givers.get(key)!, options, (ms) => (processing += ms));
    visuals.push(store.get(key) ?? store.add(key, await fresh()));
  }
  const keep = joined(visuals.map((v) => v.keep));
  const spliced = spliceVisual(ids, placeholder(loaded), keep);
  checkLength(loaded, spliced.ids.length);
  const rows = visuals.flatMap(({ first, rows }) => Array.from({ length: rows }, (_, i) => first + i));
  return {
    prompt: { ids: spliced.ids, visual: { parts: visuals.flatMap((v) => v.parts), index: spliced.index } },
    identities: Array.from(spliced.index, (row, i) =>
      row < 0 ? tokenIdentity(spliced.ids[i]!) : rowIdentity(rows[row]!),
    ),
    visualTokens: { all: keep.length, kept: rows.length },
    keys: new Set(items.map(({ key }) => key)),
    warnings: items.flatMap(({ visual }) => visual.warnings),
    processing,
  };
}

/** Send an input's frames through the encoder as they are decoded. @param onProcessed told of the time that decoding took */
async function encodeFresh(
  loaded: Loaded,
  item: Item,
  { passOrder, signal }: PromptOptions,
  onProcessed: (ms: number) => void,
): Promise<EncodedItem> {
  const { checkpoint, compiled } = eyeOf(loaded);
  const clock = stopwatch();
  async function* frames() {
    const source = await item.visual.source(signal);
    for await (const { pixels } of cutFrames(source, item, checkpoint.preprocessor, { passOrder, signal })) {
      onProcessed(clock());
      yield pixels;
      clock();
    }
  }
  return encodeFrames(compiled, { ...item, frames: frames() }, { prune: item.prune, signal });
}

function joined(masks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(masks.reduce((n, m) => n + m.length, 0));
  let at = 0;
  for (const mask of masks) {
    all.set(mask, at);
    at += mask.length;
  }
  return all;
}

function checkLength({ contextLength }: Loaded, positions: number): void {
  if (positions < contextLength) return;
  throw new EngineError(
    "prompt-too-long",
    `the prompt has ${positions} tokens, the model takes ${contextLength - 1}; ask with fewer or smaller pictures, or less text`,
  );
}

/** How many positions a prompt takes at least: of a frame that is pruned, as few tokens as its rule must keep. */
function fewest(ids: readonly number[], imageToken: number, items: readonly Item[]): number {
  const text = ids.filter((id) => id !== imageToken).length;
  return items.reduce((n, item) => n + fewestTokens(item), text);
}
