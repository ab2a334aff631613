const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n")[0] as string;

/** TensorFlow.js, which this backend runs on, is not there, is of another version, or does not start. */
export class TfjsMissingError extends Error {
  override readonly name = "TfjsMissingError";
  constructor(packages: readonly string[], version: string, cause: unknown) {
    const install = packages.map((name) => `${name}@${version}`).join(" ");
    super(
      `TensorFlow.js cannot be loaded: add it to your project (npm install ${install}). It said: ${firstLine(cause)}`,
      { cause },
    );
  }
}

/** There is no room for a model or for what a run makes: a WebAssembly heap ends at 4 GiB. */
export class TfjsMemoryError extends Error {
  override readonly name = "TfjsMemoryError";
}

/** TensorFlow.js failed in a run: a mistake of this backend. */
export class TfjsError extends Error {
  override readonly name = "TfjsError";
  constructor(program: string, cause: unknown) {
    super(`${program}: TensorFlow.js failed to run it: ${firstLine(cause)}`, { cause });
  }
}
