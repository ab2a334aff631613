import { ProcessorError } from "../errors.js";
import type { Frames } from "../video/sampling.js";
import { Float, float, type Numeric } from "./number.js";

/** One part of a message. Parts of other kinds are passed to a checkpoint's own template and skipped by the built-in ones. */
export type Part = TextPart | ImagePart | VideoPart | OtherPart;

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

export interface ImagePart {
  readonly type: "image";
  /** Seconds; rendered before the picture. The ancestor's template and some others name it `timestamp`. */
  readonly time?: Numeric;
  readonly timestamp?: Numeric;
}

/** A video, or a 3D volume as its slices. */
export interface VideoPart {
  readonly type: "video";
  readonly num_frames: number;
  /** Seconds, one per frame; videos have them, volumes have not. */
  readonly timestamps?: readonly Numeric[];
}

/** Whatever else a JSON file may hold, e.g. `{ image_url: "..." }`. */
export interface OtherPart {
  readonly [key: string]: unknown;
  readonly type?: unknown;
}

export interface Message {
  readonly role: string;
  readonly content: string | readonly Part[];
  readonly [key: string]: unknown;
}

export type Conversation = readonly Message[];

/** The part that stands for some frames. A clip's timestamps are Python floats to the template (`Time 0.0s`). */
export function videoPart(frames: Frames): VideoPart {
  const { timestamps } = frames;
  const num_frames = frames.frames.length;
  if (timestamps === undefined) return { type: "video", num_frames };
  return { type: "video", num_frames, timestamps: timestamps.map(float) };
}

/**
 * Checks a conversation that came from outside.
 * @throws ProcessorError `chat-conversation` naming the message and part.
 */
export function checkConversation(value: unknown): Conversation {
  if (!Array.isArray(value)) throw wrong("the conversation", "a list of messages");
  value.forEach((message: unknown, i) => {
    const at = `message ${i}`;
    if (!isRecord(message) || typeof message.role !== "string") throw wrong(at, "an object with a role");
    if (!/^[\w-]{1,64}$/.test(message.role)) throw wrong(`${at}: role`, "a word of letters, digits, - and _");
    const { content } = message;
    if (typeof content === "string") return;
    if (!Array.isArray(content)) throw wrong(`${at}: content`, "a string or a list of parts");
    content.forEach((part: unknown, j) => {
      checkPart(part, `message ${i}, part ${j}`);
    });
  });
  return value as Conversation;
}

function checkPart(part: unknown, at: string): void {
  if (!isRecord(part)) throw wrong(at, "an object");
  if (part.type === "text" && typeof part.text !== "string") throw wrong(`${at}: text`, "a string");
  for (const key of ["time", "timestamp"]) {
    if (part[key] !== undefined && !isNumeric(part[key])) throw wrong(`${at}: ${key}`, "a finite number of seconds");
  }
  if (part.type !== "video") return;
  const { num_frames: n, timestamps: t } = part;
  if (!Number.isSafeInteger(n) || (n as number) < 0) throw wrong(`${at}: num_frames`, "an integer of at least 0");
  if (t === undefined) return;
  if (!Array.isArray(t) || t.length !== n || !t.every(isNumeric))
    throw wrong(`${at}: timestamps`, "one number of seconds per frame");
}

function isNumeric(value: unknown): value is Numeric {
  return Number.isFinite(value instanceof Float ? value.value : value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(where: string, right: string): ProcessorError {
  return new ProcessorError("chat-conversation", `${where} must be ${right}`);
}
