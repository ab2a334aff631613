import type { ModelConfig } from "@hulu/core";
import type { Message } from "./content.js";
import { EngineError } from "./error.js";
import { areFiles } from "./file-input.js";
import { isSource } from "./open.js";
import { isHash } from "./visual-identity.js";

// What comes from a caller is checked by hand: JavaScript and JSON know no types.

const roles = ["system", "user", "assistant"];
const partTypes = ["text", "image", "video", "volume", "remembered"];

export const isObject = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x);
export const shown = (x: unknown): string =>
  typeof x === "string" ? `"${x.slice(0, 40)}"` : x === null ? "null" : Array.isArray(x) ? "a list" : typeof x;

/** The same without a word of it: where a message should be there may be what a patient said. */
const kindOf = (x: unknown): string => (typeof x === "string" ? "a text" : shown(x));

/**
 * Check a conversation before anything is done with it.
 * @throws EngineError `content-invalid` that names the message and the part; `prompt-empty` when nothing is said
 */
export function checkMessages(messages: unknown): asserts messages is readonly Message[] {
  if (!saysAnything(messages))
    throw new EngineError("prompt-empty", "the conversation says nothing; give a text, a picture or a volume");
}

/** @throws EngineError `content-invalid` for what is no list of messages */
export function saysAnything(messages: unknown): boolean {
  const wrong: Wrong = (where, found, right, say = kindOf) =>
    new EngineError("content-invalid", `${where} is ${say(found)}; it must be ${right}`);
  if (!Array.isArray(messages)) throw wrong("the conversation", messages, "a text or a list of { role, content }");
  let said = false;
  for (const [i, message] of messages.entries()) {
    const at = `message ${i}`;
    if (!isObject(message)) throw wrong(at, message, "{ role, content }");
    if (!roles.includes(message.role as string)) throw wrong(`${at}: role`, message.role, roles.join(", "), shown);
    const { content } = message;
    if (typeof content !== "string" && !Array.isArray(content))
      throw wrong(`${at}: content`, content, "a string or a list of parts");
    if (typeof content === "string") said ||= content !== "";
    else for (const [j, part] of content.entries()) said = checkPart(part, `${at}, part ${j}`, wrong) || said;
  }
  return said;
}

type Wrong = (where: string, found: unknown, right: string, say?: (x: unknown) => string) => EngineError;

type Need = (field: string, fits: boolean, right: string) => void;

/** @returns whether the part says anything */
function checkPart(part: unknown, at: string, wrong: Wrong): boolean {
  if (!isObject(part)) throw wrong(at, part, "an object with a type");
  const need: Need = (field, fits, right) => {
    if (!fits) throw wrong(`${at}: ${field}`, part[field], right, field === "type" ? shown : undefined);
  };
  need("type", partTypes.includes(part.type as string), partTypes.join(", "));
  if (part.type === "text") need("text", typeof part.text === "string", "a string");
  if (part.type === "image") need("image", isObject(part.image), PICTURE);
  if (part.type === "volume")
    need("volume", isVolume(part.volume), "a file or several, a volume that was read, or a source of frames");
  if (part.type === "remembered") {
    need("shows", part.shows === "image" || part.shows === "video", "image or video");
    need("hash", isHash(part.hash), "what a saved conversation has");
    for (const side of ["frames", "height", "width"]) need(side, isCounted(part[side]), "a whole number of at least 1");
  }
  if (part.type === "video") checkClip(part, at, need);
  return part.type !== "text" || part.text !== "";
}

const PICTURE = "the bytes of a file, a Blob, or { data, width, height }";
const CLIP =
  "a file or several, a source of frames: { kind, count, width, height, frames }, or an iterable with its count";
const isVolume = (x: unknown): boolean =>
  areFiles(x) || isFrameSource(x) || (isObject(x) && (typeof x.plane === "function" || ArrayBuffer.isView(x.data)));

/** What it says of itself; whether its frames are like that is seen when they come. */
const isFrameSource = (x: unknown): boolean =>
  isObject(x) &&
  isSource(x) &&
  ["count", "width", "height"].every((field) => isCounted(x[field as keyof typeof x])) &&
  (x.timestamps === undefined || (Array.isArray(x.timestamps) && x.timestamps.length === x.count));

const isClip = (x: unknown, count: unknown): boolean =>
  areFiles(x) || isFrameSource(x) || ((typeof x === "function" || isIterable(x)) && isCounted(count));
const isIterable = (x: unknown): boolean =>
  isObject(x) && typeof (x as { readonly [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === "function";

/** Frames, or a source of them; a time for each of them if there are any. */
function checkClip(part: Readonly<Record<string, unknown>>, at: string, need: Need): void {
  const { frames, video, timestamps } = part;
  if (video === undefined) {
    const pictures = Array.isArray(frames) && frames.length > 0 && frames.every(isObject);
    need("frames", pictures, `a list of one picture or more, each ${PICTURE}`);
  } else need("video", isClip(video, part.count), CLIP);
  need("timestamps", timestamps === undefined || Array.isArray(timestamps), "a list of seconds, one for each frame");
  // How many frames a file has is known when it is opened.
  if (areFiles(video)) return;
  const count = Array.isArray(frames) ? frames.length : isSource(video) ? video.count : part.count;
  if (Array.isArray(timestamps) && timestamps.length !== count)
    throw new EngineError("content-invalid", `${at}: ${timestamps.length} timestamps do not fit ${count} frames`);
}

/** Whether it is a whole number of at least 1. */
export const isCounted = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 1;

/** @throws EngineError `no-vision` where a language model is shown something */
export function checkVision(messages: readonly Message[], config: ModelConfig): void {
  const visual = messages.some(({ content }) => typeof content !== "string" && content.some((p) => p.type !== "text"));
  if (visual && config.vision === undefined) throw noVision();
}

export const noVision = () =>
  new EngineError("no-vision", "this model is a language model: it takes text, and no pictures, videos or volumes");
