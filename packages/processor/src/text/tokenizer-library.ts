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
  readonly config?: { readonly type?: unknown; readonly pattern?: { readonly Regex?: string } };
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
    if (cause instanceof ProcessorError) throw cause;
    const message = "tokenizer.json: the model, its vocabulary or a step of it is not one that can be read";
    throw new ProcessorError("tokenizer-invalid", `${message}${reasonOf(cause)}`, { cause });
  }
}

/** The library says of a type that it does not know: `Unknown PreTokenizer type: Foo`; JavaScript, what a pattern lacks. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  const type = /^Unknown (\w+) type: (.{1,40})/.exec(cause.message);
  if (type !== null) return `: there is no ${type[1]} of the type "${type[2]}" here`;
  return cause instanceof SyntaxError ? `: a pattern is no regular expression${lacking(cause)}` : "";
}

/** `Unterminated character class`, of what the library or JavaScript says: the pattern itself is left out. */
const lacking = ({ message }: Error): string => {
  const [, words] = /(?:^|: )([A-Za-z ]{1,60})(?: at index \d+)?$/.exec(message) ?? [];
  return words === undefined ? "" : ` (${words})`;
};

/** Puts patterns whose steps are counted in the place of those that came from the file. */
function bound(step: Step | null): void {
  if (step === null) return;
  if (step.pattern && step.config?.pattern?.Regex !== undefined) step.pattern = counted(step.pattern, step.config.type);
  for (const inner of [step.normalizers, step.tokenizers, step.decoders]) for (const s of inner ?? []) bound(s);
}

/** @throws ProcessorError `tokenizer-invalid` that says in a step of which type the pattern stands, and what is wrong with it */
function counted(pattern: RegExp, type: unknown): RegExp {
  try {
    return new BoundedRegExp(pattern);
  } catch (cause) {
    const step = typeof type === "string" ? `the step ${type.slice(0, 40)}` : "a step";
    const why =
      cause instanceof RangeError ? "its brackets are nested too deep" : (cause as Error).message.slice(0, 200);
    const message = `tokenizer.json: the regular expression of ${step} cannot be used: ${why}`;
    throw new ProcessorError("tokenizer-invalid", message, { cause });
  }
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
