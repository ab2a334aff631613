import type { Layout } from "./layout.js";

/** What a file holds that is packed, compressed or checked by a sum, so that changes of the file itself seldom reach it. */
export interface Inner {
  readonly what: string;
  readonly content: Uint8Array;
  layout(content: Uint8Array): Layout;
  /** The file again, around other content. */
  close(content: Uint8Array): Uint8Array;
}

/** Most inputs are one file; a pair or a series is several. */
export type Files = readonly Uint8Array[];

/** How files of a kind are made, taken apart and read. */
export interface Format {
  readonly name: string;
  /** Whole files to begin with, small ones. */
  seeds(): Promise<readonly Files[]>;
  /** Codes that some of the seeds end in, because they are of a kind that is not read. */
  readonly refuses?: readonly string[];
  /** No seed is read: they are of no format at all. */
  readonly unreadable?: boolean;
  layout(bytes: Uint8Array): Layout;
  /** Lengths and sums put right, where the structure still tells which. */
  mend?(bytes: Uint8Array): Uint8Array;
  inner?(bytes: Uint8Array): readonly Inner[];
  /**
   * Reads it all, within the limits of `limits.ts`.
   * @returns what came out, as a text that is the same for the same pixels
   */
  read(files: Files): Promise<string>;
}

/** Stands in every text of the seeds (comments, names), and must not be in any message. */
export const CANARY = "zqxj".repeat(6);
export const QUOTES_CANARY = /zqxj/i;
