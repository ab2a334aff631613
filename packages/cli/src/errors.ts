/** The command was called wrongly: an unknown option, a value out of range. Exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
