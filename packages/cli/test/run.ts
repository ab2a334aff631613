import { main } from "../src/main.js";

/** What a run of the command said, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly notes: string;
}

/** Run the `hulu` command in this process. */
export async function hulu(args: readonly string[], signal: AbortSignal = new AbortController().signal): Promise<Ran> {
  let [out, notes] = ["", ""];
  const code = await main(args, {
    out: (text) => {
      out += text;
    },
    note: (text) => {
      notes += text;
    },
    signal,
    interactive: false,
  });
  return { code, out, notes };
}
