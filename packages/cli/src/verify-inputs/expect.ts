import type { Checked } from "./check.js";

/** What became of a file. */
export type Outcome = "decoded" | "rejected" | "warned";

/** What may become of a file, by what its entry expects. `none` is in the folder for another file and has no row. */
const ALLOWED: ReadonlyMap<unknown, readonly Outcome[]> = new Map<unknown, readonly Outcome[]>([
  ["decode", ["decoded"]],
  ["reject", ["rejected"]],
  ["decode_or_reject", ["decoded", "rejected"]],
  ["reject_or_decode", ["decoded", "rejected"]],
  // A part of a picture, or a series with a defect, must say so.
  ["reject_or_partial", ["rejected", "warned"]],
  ["reject_or_warn", ["rejected", "warned"]],
  ["decode_or_warn", ["decoded", "warned"]],
]);

export interface Row {
  readonly file: string;
  readonly expect: string;
  readonly outcome: Outcome;
  readonly code?: string;
  readonly ok: boolean;
}

/** The row of a check, and why it is red, if it is. */
export function judged(file: string, expect: unknown, checked: Checked): { row: Row; why: readonly string[] } {
  const allowed = ALLOWED.get(expect);
  const outcome = outcomeOf(checked, allowed);
  const code = outcome === "decoded" ? undefined : checked.code;
  const why = [
    ...checked.wrong,
    ...(allowed === undefined ? [`nothing is known of an expectation ${JSON.stringify(expect)}`] : []),
    ...(allowed?.includes(outcome) === false ? [`it is ${outcome}${code === undefined ? "" : ` (${code})`}`] : []),
  ];
  const row = { file, expect: String(expect), outcome, ...(code !== undefined && { code }), ok: why.length === 0 };
  return { row, why };
}

/** What is odd about a file counts where a warning is asked for; elsewhere all that is published of it must hold. */
function outcomeOf({ outcome, code }: Checked, allowed: readonly Outcome[] | undefined): Outcome {
  return outcome === "decoded" && code !== undefined && allowed?.includes("warned") ? "warned" : outcome;
}
