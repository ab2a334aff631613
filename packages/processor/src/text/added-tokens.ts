import { ProcessorError } from "../errors.js";

interface Branch<T> {
  readonly next: Map<number, Branch<T>>;
  token?: T;
}

/** Branches of the tree; published files need some ten thousand. */
const MAX_BRANCHES = 2 ** 18;

/** Finds where a text spells one of many strings; where several begin at one place, the longest. */
export class Dictionary<T extends { readonly content: string }> {
  readonly #root: Branch<T> = { next: new Map() };

  /** @throws ProcessorError `tokenizer-invalid` for strings that are too many */
  constructor(tokens: Iterable<T>) {
    let branches = 0;
    for (const token of tokens) {
      let branch = this.#root;
      for (let at = 0; at < token.content.length; at++) {
        const code = token.content.charCodeAt(at);
        let next = branch.next.get(code);
        if (next === undefined) {
          if (++branches > MAX_BRANCHES)
            throw new ProcessorError("tokenizer-invalid", "tokenizer.json: added_tokens are too many and too long");
          next = { next: new Map() };
          branch.next.set(code, next);
        }
        branch = next;
      }
      branch.token = token;
    }
  }

  /** The matches from left to right; none overlaps another. */
  *search(text: string): Generator<{ readonly index: number; readonly token: T }> {
    for (let at = 0; at < text.length; ) {
      const token = this.#longest(text, at);
      if (token !== undefined) yield { index: at, token };
      at += token?.content.length ?? 1;
    }
  }

  #longest(text: string, begin: number): T | undefined {
    let found: T | undefined;
    let branch: Branch<T> | undefined = this.#root;
    for (let at = begin; branch !== undefined; at++) {
      found = branch.token ?? found;
      branch = at < text.length ? branch.next.get(text.charCodeAt(at)) : undefined;
    }
    return found;
  }
}
