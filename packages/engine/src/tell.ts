import { GenerationError, generate, type Prompt, type Session } from "@hulu/core";
import type { Piece, Result, StopReason, Timings } from "./answer.js";
import { type AskOptions, samplingOf } from "./ask-options.js";
import type { Loaded } from "./loaded.js";
import { TextOut } from "./text-out.js";

export interface TellOptions extends AskOptions {
  /** How many positions of the prompt the session holds. */
  readonly held: number;
  /** Milliseconds since its last call. */
  readonly clock: () => number;
  /** Sees each token before its text is given. */
  readonly onToken: (id: number) => void;
}

type Told = Pick<Result, "text" | "thinking" | "tokenIds" | "stopReason"> & {
  readonly timings: Pick<Timings, "prefill" | "decode">;
};

/** Generate an answer and give its text piece by piece. */
export async function* tell(
  { checkpoint, compiled, contextLength }: Loaded,
  session: Session,
  prompt: Prompt,
  options: TellOptions,
): AsyncGenerator<Piece, Told> {
  const { stopTokens, ...defaults } = checkpoint.generation;
  const { thinking = "apart", stop = [], signal, held, clock } = options;
  const wanted = options.maxTokens ?? 2048;
  if (!Number.isSafeInteger(wanted) || wanted < 1)
    throw new GenerationError(`maxTokens is ${wanted}; it must be a whole number of at least 1`);
  const maxTokens = Math.min(wanted, contextLength - prompt.ids.length);
  const text = new TextOut(checkpoint.tokenizer, stop, thinking);
  const tokenIds: number[] = [];
  let stopReason: StopReason = "length";
  let prefill = 0;
  for await (const { id } of generate(compiled, session, prompt, {
    ...defaults,
    ...samplingOf(options),
    maxTokens,
    stopTokens,
    signal,
    held,
  })) {
    if (tokenIds.length === 0) prefill = clock();
    tokenIds.push(id);
    options.onToken(id);
    if (stopTokens.includes(id)) {
      stopReason = "token";
      break;
    }
    yield* text.push(id);
    if (text.stopped) {
      stopReason = "string";
      break;
    }
  }
  yield* text.end();
  return { text: text.text, thinking: text.thinking, tokenIds, stopReason, timings: { prefill, decode: clock() } };
}
