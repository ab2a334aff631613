import type { Checked, Outcome } from "./check.js";

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
export function judged(
  file: string,
  expect: unknown,
  { outcome, code, wrong }: Checked,
): { row: Row; why: readonly string[] } {
  const allowed = ALLOWED.get(expect);
  const why = [
    ...wrong,
    ...(allowed === undefined ? [`nothing is known of an expectation ${JSON.stringify(expect)}`] : []),
    ...(allowed !== undefined && !allowed.includes(outcome)
      ? [`it is ${outcome}${code === undefined ? "" : ` (${code})`}`]
      : []),
  ];
  const row = { file, expect: String(expect), outcome, ...(code !== undefined && { code }), ok: why.length === 0 };
  return { row, why };
}
