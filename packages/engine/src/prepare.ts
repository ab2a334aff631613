import {
  type Conversation,
  float,
  type RgbImage,
  type Message as TemplateMessage,
  type Part as TemplatePart,
} from "@hulu/processor";
import { type Decodable, decode, type Message, type Part, type RememberedPart, type VisualPart } from "./content.js";
import { EngineError } from "./error.js";
import { hashOfFrames, isHashOf, randomName, type Seen } from "./visual-identity.js";

/** A conversation as the template sees it, and the visual inputs in the order of its placeholders. */
export interface Prepared {
  readonly conversation: Conversation;
  readonly visuals: readonly Visual[];
}
export interface Visual extends Seen {
  readonly kind: "image" | "video";
  /** The frames; they are decoded again where an earlier call has done it. */
  readonly pixels: () => Promise<readonly RgbImage[]>;
}

/** What is known of parts that were decoded before. */
export type SeenParts = WeakMap<Part, Seen>;

export interface PrepareOptions {
  /** Gets what was decoded. */
  readonly seen: SeenParts;
  /** Whether the parts never have to be known again. */
  readonly once: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decode what a conversation holds and what is not known yet; `checkMessages` has been over it.
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
      const visual = await visualOf(part, seen, once);
      visuals.push(visual);
      parts.push(templatePart(part, visual));
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

async function visualOf(part: VisualPart, seen: SeenParts, once: boolean): Promise<Visual> {
  if (part.type === "remembered") return { ...part, kind: part.shows, pixels: forgotten };
  const kind = part.type === "image" ? "image" : "video";
  const known = seen.get(part);
  if (known !== undefined) return { ...known, kind, pixels: () => sameFrames(part, known) };
  const frames = await decode(part);
  const [{ height, width } = { height: 0, width: 0 }] = frames;
  const found = { hash: once ? randomName() : await hashOfFrames(frames), frames: frames.length, height, width };
  seen.set(part, found);
  return { ...found, kind, pixels: async () => frames };
}

/** The frames of a part once more. The caller owns its bytes, and may have put another picture into them since. */
async function sameFrames(part: Decodable, { hash }: Seen): Promise<readonly RgbImage[]> {
  const frames = await decode(part);
  if (await isHashOf(hash, frames)) return frames;
  throw new EngineError(
    "content-changed",
    "the bytes of a picture changed after it was given; give each picture bytes of its own",
  );
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
  const { time, timestamps } = templatePart(part, found) as Pick<RememberedPart, "time" | "timestamps">;
  const shows = part.type === "image" ? "image" : "video";
  return {
    ...{ type: "remembered", shows, ...found },
    ...(time !== undefined && { time }),
    ...(timestamps && { timestamps }),
  };
}

function templatePart(part: VisualPart, { frames }: Seen): TemplatePart {
  const image = part.type === "image" || (part.type === "remembered" && part.shows === "image");
  if (image) return part.time === undefined ? { type: "image" } : { type: "image", time: part.time };
  const video = { type: "video", num_frames: frames } as const;
  // A 3D volume carries no timestamps, whatever the template.
  if (part.type === "volume" || part.timestamps === undefined) return video;
  // A clip's times are Python floats to the template: `Time 7.0s`.
  return { ...video, timestamps: part.timestamps.map((t) => (typeof t === "number" ? float(t) : t)) };
}
