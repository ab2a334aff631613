import { SourceError } from "@hulu/hub";

/**
 * A built-in module of Node, loaded on first use under a name that bundlers cannot follow: the package then bundles for a
 * page, where only what needs a disk asks for one.
 * @throws SourceError `no-file-system`
 */
export async function builtin<T>(name: string): Promise<T> {
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ `node:${name}`)) as T;
  } catch (cause) {
    const words = "there is no disk here; give an address, hf:owner/name, or a Map of the files by name";
    throw new SourceError("no-file-system", words, { cause });
  }
}
