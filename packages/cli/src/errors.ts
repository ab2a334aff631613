/** The command was called wrongly: an unknown option, a value out of range. Exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const reasons: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOENT", "there is no such file"],
  ["EISDIR", "it is a folder"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["EACCES", "permission is denied"],
]);

/** For the rejection of a read: what a person can do about it. @throws UsageError */
export const unreadable = (file: string) => (cause: NodeJS.ErrnoException) => {
  throw new UsageError(`${file} cannot be read: ${reasons.get(cause.code) ?? cause.code ?? cause.message}`, { cause });
};
