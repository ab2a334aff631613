/** What has come and was not taken yet, in order; one reader waits at a time. */
export class Mailbox<T> {
  readonly #come: T[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  put(item: T): void {
    this.#come.push(item);
    this.#wake?.();
  }

  /** Nothing more will come: a reader that finds nothing gets the error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  async take(): Promise<T> {
    while (this.#come.length === 0) {
      if (this.#failure) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#come.shift() as T;
  }
}
