import { formatBytes, type ModelMemory } from "@hulu/engine";
import type { Options, Parsed } from "./options.js";

/** What is going to be asked, as far as memory goes. */
export const sizeOptions: Options = {
  "context-length": {
    type: "string",
    value: "N",
    help: "the most positions of a conversation (default: the model's own)",
  },
  patches: {
    type: "string",
    value: "N",
    help: "the most patches of a picture that memory is foretold for; 0: no pictures",
  },
};

export const memoryOptions: Options = {
  "max-memory": { type: "string", value: "SIZE", help: "refuse a model that would take more, such as 8GB" },
  ...sizeOptions,
};

export function askedSizes(parsed: Parsed): { readonly contextLength?: number; readonly patches?: number } {
  const contextLength = parsed.count("context-length");
  const patches = parsed.count("patches", 0);
  return { ...(contextLength !== undefined && { contextLength }), ...(patches !== undefined && { patches }) };
}

export const memoryLimits = (parsed: Parsed) => ({ ...askedSizes(parsed), maxMemory: parsed.bytes("max-memory") });

/** An estimate in one line. */
export function describedMemory(memory: ModelMemory): string {
  const { peak, weights, loading, session, work, fixed, contextLength, patches } = memory;
  const part = (bytes: number, what: string) => `${formatBytes(bytes)} ${what}`;
  const parts = [
    part(weights, "weights"),
    part(loading, "more while loading"),
    part(session, `for ${contextLength} positions`),
    part(work, patches === 0 ? "for the runs" : `for the runs with pictures of ${patches} patches`),
    part(fixed, "for the runtime"),
  ];
  return `at most ${formatBytes(peak)}: ${parts.join(", ")}`;
}
