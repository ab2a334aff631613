import { reference } from "@hulu/backend-reference";
import { ConfigError, GenerationError, UnsupportedError, WeightError } from "@hulu/core";
import { EngineError, load } from "@hulu/engine";
import { ProcessorError } from "@hulu/processor";
import { SafetensorsError } from "@hulu/safetensors";

/** How a checkpoint of a stranger ended. `escaped`: in an error that is none of ours, or one whose message is not fit to be read. */
export interface Outcome {
  readonly end: "answered" | "refused" | "escaped";
  readonly error?: string;
}

const ours = [
  EngineError,
  ConfigError,
  WeightError,
  SafetensorsError,
  ProcessorError,
  GenerationError,
  UnsupportedError,
];

/** Nothing that a reader could make nothing of. */
const UNFIT = /undefined|\[object |call stack|is not a function|Cannot read|Invalid (?:array|string|typed)/;
const MOST_MESSAGE = 5000;

/** Loads a checkpoint and asks it for two tokens about a text and a picture. */
export async function trial(source: string | ReadonlyMap<string, Uint8Array>): Promise<Outcome> {
  try {
    await ask(source);
    return { end: "answered" };
  } catch (error) {
    const named = ours.some((type) => error instanceof type);
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const fit = named && !UNFIT.test(message) && message.length <= MOST_MESSAGE;
    if (fit) return { end: "refused", error: message };
    return {
      end: "escaped",
      error: error instanceof Error ? `${message.slice(0, 2000)}\n${error.stack ?? ""}` : message,
    };
  }
}

async function ask(source: string | ReadonlyMap<string, Uint8Array>): Promise<void> {
  // A template may make an honest prompt of any length, and the reference takes a second for a thousand positions.
  const model = await load(source, { backend: reference, worker: false, contextLength: 1024 });
  try {
    const image = { data: new Uint8Array(32 * 32 * 3).fill(99), width: 32, height: 32 };
    const text = { type: "text", text: "aaaa?" } as const;
    const content = model.config.vision === undefined ? [text] : [{ type: "image", image } as const, text];
    await model.ask([{ role: "user", content }], { maxTokens: 2 }).result();
  } finally {
    await model.dispose();
  }
}
