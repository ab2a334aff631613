import * as tokenizers from "@huggingface/tokenizers";
import { ProcessorError } from "../errors.js";
import { faithful } from "./pre-tokenizer.js";
import { BoundedRegExp } from "./regex-match.js";
import { checkTokenizer, isObject } from "./tokenizer-check.js";

// The library's declarations do not resolve under NodeNext: what is used of it is written down here.
export interface Library {
  readonly normalizer: ((text: string) => string) | null;
  readonly pre_tokenizer: ((text: string, options: { section_index: number }) => string[]) | null;
  readonly decoder: object | null;
  readonly model: Model;
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  id_to_token(id: number): string | undefined;
  token_to_id(token: string): number | undefined;
}
interface Model {
  (words: readonly string[]): string[];
  readonly vocab: { readonly length: number };
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token_id?: number;
}
const LibraryTokenizer = tokenizers.Tokenizer as unknown as new (json: object, config: object) => Library;

/** A step of the library, or a sequence of them. */
interface Step {
  readonly config?: { readonly pattern?: { readonly Regex?: string } };
  pattern?: RegExp | null;
  readonly normalizers?: readonly Step[];
  readonly tokenizers?: readonly Step[];
  readonly decoders?: readonly Step[];
}

/**
 * The library's tokenizer without the added tokens, which are found by our own search.
 * @throws ProcessorError `tokenizer-invalid`
 */
export function loadLibrary(json: unknown, config: unknown): Library {
  checkTokenizer(json);
  if (!isObject(config)) throw new ProcessorError("tokenizer-invalid", "tokenizer_config.json: must be an object");
  const { normalizer = null, pre_tokenizer = null, decoder = null, model } = json;
  // Nothing else of either file is read by the library for what is used of it; its constructor would believe it.
  const whole = {
    normalizer,
    pre_tokenizer: faithful(pre_tokenizer),
    decoder,
    model,
    post_processor: null,
    added_tokens: [],
  };
  try {
    const library = new LibraryTokenizer(whole, {});
    for (const step of [library.normalizer, library.pre_tokenizer, library.decoder]) bound(step as Step | null);
    return library;
  } catch (cause) {
    const message = "tokenizer.json: the model, its vocabulary or a step of it is not one that can be read";
    throw new ProcessorError("tokenizer-invalid", `${message}${unknownStep(cause)}`, { cause });
  }
}

/** The library says of a type that it does not know: `Unknown PreTokenizer type: Foo`. */
function unknownStep(cause: unknown): string {
  const said = cause instanceof Error ? /^Unknown (\w+) type: (.{1,40})/.exec(cause.message) : null;
  return said === null ? "" : `: there is no ${said[1]} of the type "${said[2]}" here`;
}

/** Puts patterns whose steps are counted in the place of those that came from the file. */
function bound(step: Step | null): void {
  if (step === null) return;
  if (step.pattern && step.config?.pattern?.Regex !== undefined) step.pattern = new BoundedRegExp(step.pattern);
  for (const inner of [step.normalizers, step.tokenizers, step.decoders]) for (const s of inner ?? []) bound(s);
}

/**
 * Runs the library on a text.
 * @throws ProcessorError whatever goes wrong: `tokenizer-limit` where the text is too much for it, else `tokenizer-invalid`
 */
export function guarded<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof ProcessorError) throw cause;
    if (cause instanceof RangeError)
      throw new ProcessorError("tokenizer-limit", `tokenizer.json: the text is too long to ${what}`, { cause });
    throw new ProcessorError("tokenizer-invalid", `tokenizer.json: its steps cannot ${what} a text`, { cause });
  }
}
