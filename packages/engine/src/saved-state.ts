import { Float, float, type Numeric } from "@hulu/processor";
import { saysAnything } from "./check-messages.js";
import type { Message, Part, RememberedPart } from "./content.js";

/** A visual input beside its rows. */
export interface SavedVisual {
  readonly key: string;
  /** 1 for each token that was kept. */
  readonly keep: Uint8Array;
}

/** What a saved conversation holds beside numbers. */
export interface SavedState {
  /** Text, and parts that stand for visual inputs. */
  readonly messages: readonly Message[];
  readonly held: readonly number[];
  readonly visuals: readonly SavedVisual[];
  /** How many bytes the session has. */
  readonly sessionBytes: number;
}

/** The state as JSON. A mask is a text of 0 and 1; a Python float is `{ float }`. */
export function stateOf({ messages, held, visuals, sessionBytes }: SavedState): string {
  const masks = visuals.map(({ key, keep }) => ({ key, keep: keep.join("") }));
  const plain = (_: string, value: unknown) => (value instanceof Float ? { float: value.value } : value);
  return JSON.stringify({ messages, held, visuals: masks, sessionBytes }, plain);
}

type Fields = Readonly<Record<string, unknown>>;

/** @returns undefined for anything that `stateOf` did not write */
export function parseState(text: string): SavedState | undefined {
  try {
    const { messages, held, visuals, sessionBytes } = JSON.parse(text) as Fields;
    if (!Array.isArray(held) || !held.every(Number.isSafeInteger)) return undefined;
    if (!Array.isArray(visuals) || !Array.isArray(messages) || !Number.isSafeInteger(sessionBytes)) return undefined;
    const state = {
      messages: messages.map(parseMessage),
      held: held as readonly number[],
      visuals: visuals.map(parseVisual),
      sessionBytes: sessionBytes as number,
    };
    saysAnything(state.messages);
    return state;
  } catch {
    // Whatever does not have the shape of a state is none; the one named error is the caller's.
    return undefined;
  }
}

function parseVisual({ key, keep }: Fields): SavedVisual {
  if (typeof key !== "string" || typeof keep !== "string" || !/^[01]*$/.test(keep)) throw new TypeError();
  return { key, keep: Uint8Array.from(keep, Number) };
}

function parseMessage({ role, content }: Fields): Message {
  const parsed = typeof content === "string" ? content : (content as readonly Fields[]).map(parsePart);
  return Object.freeze({ role: role as Message["role"], content: parsed });
}

function parsePart(part: Fields): Part {
  if (part.type === "text") return Object.freeze({ type: "text", text: part.text as string });
  if (part.type !== "remembered") throw new TypeError();
  const { type, shows, hash, frames, height, width, time, timestamps } = part;
  const times = timestamps === undefined ? undefined : (timestamps as readonly unknown[]).map(parseNumeric);
  if (times !== undefined && times.length !== frames) throw new TypeError();
  return Object.freeze({
    ...({ type, shows, hash, frames, height, width } as RememberedPart),
    ...(time !== undefined && { time: parseNumeric(time) }),
    ...(times && { timestamps: times }),
  });
}

function parseNumeric(value: unknown): Numeric {
  if (typeof value === "number") return value;
  const { float: inside } = value as Fields;
  if (typeof inside !== "number") throw new TypeError();
  return float(inside);
}
