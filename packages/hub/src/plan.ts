/** A file to fetch, and what is known of it before it is. */
export interface Entry {
  /** Its place in the checkpoint: checked, with forward slashes. */
  readonly name: string;
  readonly url: URL;
  /** Bytes, where the server says so. */
  readonly size: number | undefined;
  /** What its bytes are held to: the SHA-256 of a large file of the Hub, git's SHA-1 of a small one. */
  readonly digest?: Digest | undefined;
  /** Of an address: which version was listed. */
  readonly etag?: string | undefined;
  /** Names its content in the cache: equal keys, equal bytes. */
  readonly key: string;
}

export interface Digest {
  readonly kind: "sha256" | "git";
  readonly hex: string;
}

/** All files of one version of a checkpoint. */
export interface Plan {
  /** Names the version: a commit, or a hash over the files' sizes and tags. */
  readonly id: string;
  readonly entries: readonly Entry[];
}

/** The text of a small file, verified. */
export type ReadSmall = (entry: Entry) => Promise<string>;

/** At most `most` calls at a time; the first failure is thrown once all that ran have ended. */
export async function pooled<T, R>(items: readonly T[], most: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    while (next < items.length && failure === undefined) {
      const at = next++;
      try {
        results[at] = await run(items[at] as T);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
  return results;
}
