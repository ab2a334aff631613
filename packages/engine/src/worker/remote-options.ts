import type { CallOptions } from "./link.js";

/** Options as they cross: data; a signal, and the functions that listen, stay here. */
export function optionsOf(options: Readonly<Record<string, unknown>>): CallOptions {
  const { signal, ...rest } = options;
  const entries = Object.entries(rest).filter(([, value]) => value !== undefined);
  const listens = ([name, value]: [string, unknown]) => name.startsWith("on") && typeof value === "function";
  return {
    signal: signal as AbortSignal | undefined,
    options: Object.fromEntries(entries.filter((entry) => !listens(entry))),
    listeners: Object.fromEntries(entries.filter(listens)) as CallOptions["listeners"],
  };
}
