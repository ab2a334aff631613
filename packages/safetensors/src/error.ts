/** What went wrong, as a word that a program can act on. The README has the table with one line for each. */
export type SafetensorsErrorCode =
  // The header of a file
  | "header-too-short"
  | "header-length"
  | "header-too-large"
  | "header-utf8"
  | "header-json"
  | "duplicate-key"
  | "header-field"
  | "bad-metadata"
  | "unknown-dtype"
  | "bad-shape"
  | "bad-offsets"
  | "overflow"
  | "size-mismatch"
  | "overlap"
  | "hole"
  | "truncated"
  | "trailing-bytes"
  | "too-many"
  // Getting at bytes
  | "not-found"
  | "not-a-file"
  | "io"
  | "no-file-system"
  | "changed"
  | "too-large"
  | "network"
  | "http-status"
  | "http-range"
  | "http-body"
  // Asking for tensors
  | "bad-source"
  | "unknown-tensor"
  | "bad-rows"
  | "byte-length"
  | "closed"
  // Sharded checkpoints
  | "no-checkpoint"
  | "ambiguous-checkpoint"
  | "bad-index"
  | "unsafe-path"
  | "missing-shard"
  | "missing-tensor"
  // Writing
  | "bad-name"
  | "duplicate-name"
  | "bad-option"
  | "exists";

/** Where it went wrong: both parts are shown in the message and kept as properties of the error. */
export interface Where {
  readonly file?: string | undefined;
  readonly tensor?: string | undefined;
}

/**
 * The one error of this package. The message says what was wrong, where, and what would be right; `code` says it to
 * a program. (An aborted call rejects with the reason of its signal instead, as `fetch` does.)
 */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
  readonly code: SafetensorsErrorCode;
  readonly file: string | undefined;
  readonly tensor: string | undefined;

  constructor(code: SafetensorsErrorCode, message: string, where: Where = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.file = where.file;
    this.tensor = where.tensor;
  }
}

/** Throws the error `code`: `wrong` says what is, `right` what should be. */
export function fail(code: SafetensorsErrorCode, where: Where, wrong: string, right: string, cause?: unknown): never {
  const file = where.file === undefined ? "" : `${where.file}: `;
  const tensor = where.tensor === undefined ? "" : `tensor ${quote(where.tensor)}: `;
  throw new SafetensorsError(code, `${file}${tensor}${wrong}; expected ${right}`, where, cause);
}

/** A string from outside as it may stand in a message: escaped, and cut, since a name may be megabytes long. */
export function quote(text: string): string {
  return text.length > 120 ? `${JSON.stringify(text.slice(0, 120))}...` : JSON.stringify(text);
}

/** The first few of a list of names from outside, and how many more there are. */
export function quoteList(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return names.slice(0, 5).map(quote).join(", ") + more;
}
