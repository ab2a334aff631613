import { Entry, type Outcome } from "./row.js";

/** One entry of a JSON file: its stage, and how to check it. */
export interface Check {
  readonly stage: string;
  readonly run: () => Outcome | Promise<Outcome>;
}
export type Json = unknown;

export const record = (json: Json): Readonly<Record<string, Json>> =>
  typeof json === "object" && json !== null ? (json as Record<string, Json>) : {};
export const list = (json: Json): readonly Json[] => (Array.isArray(json) ? json : []);

/** An entry's own name where it has one, else its place. */
const stageOf = (entry: Json, index: number): string => {
  const { id, key } = record(entry);
  return typeof id === "string" ? id : typeof key === "string" ? key : String(index);
};

/** A check for each entry; what names an entry is neither an input nor an output of it. */
export const checks = (
  entries: Json,
  run: (entry: Entry, stage: string) => void | Promise<void>,
  prefix = "",
): Check[] =>
  list(entries).map((json, i) => {
    const stage = stageOf(json, i);
    return {
      stage: `${prefix}${stage}`,
      run: async () => {
        const entry = new Entry(json);
        entry.input("id");
        entry.input("key");
        await run(entry, stage);
        return entry.outcome();
      },
    };
  });
