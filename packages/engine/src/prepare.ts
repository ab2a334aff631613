import {
  type Conversation,
  type FrameSource,
  float,
  type InputWarning,
  type Numeric,
  type Message as TemplateMessage,
  type Part as TemplatePart,
} from "@hulu/processor";
import type { Message, Part, RememberedPart, VisualPart } from "./content.js";
import { EngineError } from "./error.js";
import { openPart } from "./open.js";
import type { Seen } from "./visual-identity.js";
import { identify, sourceAgain, sourceOnce } from "./visual-source.js";

/** A conversation as the template sees it, and the visual inputs in the order of its placeholders. */
export interface Prepared {
  readonly conversation: Conversation;
  readonly visuals: readonly Visual[];
}
export interface Visual extends Seen {
  readonly kind: "image" | "video";
  /** What is odd about it. */
  readonly warnings: readonly InputWarning[];
  /** Its frames, decoded as they are asked for. @throws EngineError `content-changed`, `visual-forgotten` */
  readonly source: (signal?: AbortSignal) => Promise<FrameSource>;
}

/** What is known of a part that was looked at. */
export interface Known {
  readonly seen: Seen;
  /** Seconds, where its frames have times of their own. */
  readonly times: readonly number[] | undefined;
  readonly warnings: readonly InputWarning[];
}

/** What is known of parts that were looked at before. */
export type SeenParts = WeakMap<Part, Known>;

export interface PrepareOptions {
  /** Gets what was learnt. */
  readonly seen: SeenParts;
  /** Whether the parts never have to be known again. */
  readonly once: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Look at what a conversation holds and what is not known yet; `checkMessages` has been over it.
 * @throws ProcessorError for a file that is not what it should be
 */
export async function prepare(messages: readonly Message[], { seen, once, signal }: PrepareOptions): Promise<Prepared> {
  const visuals: Visual[] = [];
  const conversation: TemplateMessage[] = [];
  for (const { role, content } of messages) {
    if (typeof content === "string") {
      conversation.push({ role, content });
      continue;
    }
    const parts: TemplatePart[] = [];
    for (const part of content) {
      signal?.throwIfAborted();
      if (part.type === "text") {
        parts.push({ type: "text", text: part.text });
        continue;
      }
      const { times, ...visual } = await visualOf(part, { seen, once, signal });
      visuals.push(visual);
      parts.push(templatePart(part, visual, times));
    }
    conversation.push({ role, content: parts });
  }
  return { conversation, visuals };
}

/** The same with every content a string, as the templates of language models take it. */
export const textOnly = (conversation: Conversation): Conversation =>
  conversation.map(({ role, content }) => ({
    role,
    content:
      typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join(""),
  }));

async function visualOf(
  part: VisualPart,
  { seen, once, signal }: PrepareOptions,
): Promise<Visual & Pick<Known, "times">> {
  const nothing = { times: undefined, warnings: [] };
  if (part.type === "remembered") return { ...part, kind: part.shows, source: forgotten, ...nothing };
  const kind = part.type === "image" ? "image" : "video";
  const known = seen.get(part);
  if (known !== undefined) {
    const { seen: found, ...more } = known;
    return { ...found, ...more, kind, source: (signal) => sourceAgain(part, found.hash, signal) };
  }
  const opened = await openPart(part, signal);
  const { count, height, width, timestamps: times } = opened.source;
  const found = { hash: await identify(part, opened, once, signal), frames: count, height, width };
  const { warnings } = opened;
  seen.set(part, { seen: found, times, warnings });
  return { ...found, kind, times, warnings, source: () => sourceOnce(part, opened, found.hash) };
}

async function forgotten(): Promise<never> {
  throw new EngineError(
    "visual-forgotten",
    "a picture of a saved conversation would have to be encoded again, and its pixels were not saved; ask with the merging, pruning and aspect of before and without pictures that change its size, or give it again",
  );
}

/** Messages without pixels; undefined where a part was never decoded. */
export function rememberedMessages(messages: readonly Message[], seen: SeenParts): readonly Message[] | undefined {
  const told: Message[] = [];
  for (const { role, content } of messages) {
    const parts = typeof content === "string" ? content : content.map((part) => remembered(part, seen));
    if (typeof parts !== "string" && parts.includes(undefined)) return undefined;
    told.push({ role, content: parts as Message["content"] });
  }
  return told;
}

function remembered(part: Part, seen: SeenParts): Part | undefined {
  if (part.type === "text") return { type: "text", text: part.text };
  if (part.type === "remembered") return part;
  const found = seen.get(part);
  if (found === undefined) return undefined;
  const { time, timestamps } = templatePart(part, found.seen, found.times) as Pick<
    RememberedPart,
    "time" | "timestamps"
  >;
  const shows = part.type === "image" ? "image" : "video";
  return {
    ...{ type: "remembered", shows, ...found.seen },
    ...(time !== undefined && { time }),
    ...(timestamps && { timestamps }),
  };
}

function templatePart(part: VisualPart, { frames }: Seen, own: readonly number[] | undefined): TemplatePart {
  const image = part.type === "image" || (part.type === "remembered" && part.shows === "image");
  if (image) return part.time === undefined ? { type: "image" } : { type: "image", time: part.time };
  const video = { type: "video", num_frames: frames } as const;
  // A 3D volume carries no timestamps, whatever the template.
  const times: readonly Numeric[] | undefined = part.type === "volume" ? undefined : (part.timestamps ?? own);
  if (times === undefined) return video;
  if (times.length !== frames)
    throw new EngineError("content-invalid", `${times.length} timestamps do not fit ${frames} frames`);
  // A clip's times are Python floats to the template: `Time 7.0s`.
  return { ...video, timestamps: times.map((t) => (typeof t === "number" ? float(t) : t)) };
}
