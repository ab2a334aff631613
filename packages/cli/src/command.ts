import type { Options, Parsed } from "./options.js";

/** Where a command writes, and what ends it early. */
export interface Io {
  /** Only what was asked for. */
  out(text: string): void;
  /** Everything else: notes, progress, warnings. */
  note(text: string): void;
  readonly signal: AbortSignal;
  /** Whether a person watches the notes. */
  readonly interactive: boolean;
}

export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly about: string;
  readonly options: Options;
  /** @returns the exit code */
  run(parsed: Parsed, io: Io): Promise<number>;
}
