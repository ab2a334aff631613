/** What went wrong in getting a model, as a stable name. The README has the table with what to do. */
export type SourceErrorCode =
  // What was asked for
  | "source-invalid"
  | "option-invalid"
  | "insecure"
  | "not-found"
  | "unauthorized"
  | "offline-missing"
  | "no-checkpoint"
  | "ambiguous-checkpoint"
  // What the server said
  | "network"
  | "http-status"
  | "http-invalid"
  | "too-many-redirects"
  | "listing-invalid"
  | "name-invalid"
  | "too-large"
  | "size-mismatch"
  | "hash-mismatch"
  | "changed"
  // This machine
  | "disk"
  | "no-file-system";

/**
 * A model could not be had; `code` is for programs, the message says what was wrong, where, and what would be right.
 * No message holds a token, the query of an address or its user part. (An aborted call rejects with the reason of its
 * signal instead, as `fetch` does.)
 */
export class SourceError extends Error {
  override readonly name = "SourceError";
  constructor(
    readonly code: SourceErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A failure that may pass: another attempt is worth it, after so many milliseconds if the server says so. */
export class TransientError extends SourceError {
  constructor(
    code: SourceErrorCode,
    message: string,
    readonly after?: number,
  ) {
    super(code, message);
  }
}

/** A text from outside as it may stand in a message: escaped, and cut. */
export const quote = (text: string): string =>
  text.length > 120 ? `${JSON.stringify(text.slice(0, 120))}...` : JSON.stringify(text);

/** An address as it may stand in a message: signed addresses carry secrets in the query, some in the user part. */
export const addressName = (url: URL): string => `${url.origin}${url.pathname}`;
