import type { ModelConfig } from "@hulu/core";
import type { Message } from "./content.js";
import { EngineError } from "./error.js";
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

/** @returns whether the part says anything */
function checkPart(part: unknown, at: string, wrong: Wrong): boolean {
  if (!isObject(part)) throw wrong(at, part, "an object with a type");
  const need = (field: string, fits: boolean, right: string) => {
    if (!fits) throw wrong(`${at}: ${field}`, part[field], right, field === "type" ? shown : undefined);
  };
  need("type", partTypes.includes(part.type as string), partTypes.join(", "));
  const picture = "the bytes of a file, a Blob, or { data, width, height }";
  if (part.type === "text") need("text", typeof part.text === "string", "a string");
  if (part.type === "image") need("image", isObject(part.image), picture);
  if (part.type === "volume")
    need("volume", isVolume(part.volume), "the bytes of a NIfTI file, a Blob, or a volume that was read");
  if (part.type === "remembered") {
    need("shows", part.shows === "image" || part.shows === "video", "image or video");
    need("hash", isHash(part.hash), "what a saved conversation has");
    for (const side of ["frames", "height", "width"]) need(side, isCounted(part[side]), "a whole number of at least 1");
  }
  if (part.type !== "video") return part.type !== "text" || part.text !== "";
  need(
    "frames",
    Array.isArray(part.frames) && part.frames.length > 0 && part.frames.every(isObject),
    `a list of one picture or more, each ${picture}`,
  );
  need(
    "timestamps",
    part.timestamps === undefined || Array.isArray(part.timestamps),
    "a list of seconds, one for each frame",
  );
  const times = part.timestamps as readonly unknown[] | undefined;
  if (times !== undefined && times.length !== (part.frames as readonly unknown[]).length)
    throw new EngineError(
      "content-invalid",
      `${at}: ${times.length} timestamps do not fit ${(part.frames as readonly unknown[]).length} frames`,
    );
  return true;
}

const isVolume = (x: unknown): boolean =>
  x instanceof Uint8Array || x instanceof Blob || (isObject(x) && typeof x.plane === "function");

/** Whether it is a whole number of at least 1. */
export const isCounted = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 1;

/** @throws EngineError `no-vision` where a language model is shown something */
export function checkVision(messages: readonly Message[], config: ModelConfig): void {
  const visual = messages.some(({ content }) => typeof content !== "string" && content.some((p) => p.type !== "text"));
  if (visual && config.vision === undefined) throw noVision();
}

export const noVision = () =>
  new EngineError("no-vision", "this model is a language model: it takes text, and no pictures, videos or volumes");
