/** What went wrong in loading or asking, as a stable name. */
export type EngineErrorCode =
  | "file-missing"
  | "file-too-large"
  | "json-invalid"
  | "path-outside"
  | "tokenizer-mismatch"
  | "image-token"
  | "no-vision"
  | "memory-exceeded"
  | "prompt-empty"
  | "prompt-too-long"
  | "content-invalid"
  | "content-changed"
  | "conversation-busy"
  | "saved-invalid"
  | "visual-forgotten"
  | "sha256-missing"
  | "option-invalid"
  | "answer-used"
  | "worker-function"
  | "worker-unavailable"
  | "worker-lost"
  | "time-limit"
  | "disposed";

/** The engine could not do what was asked; `code` is for programs, the message says what would be right. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  constructor(
    readonly code: EngineErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
