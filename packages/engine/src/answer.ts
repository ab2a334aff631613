import type { InputWarning } from "@hulu/processor";
import { EngineError } from "./error.js";

/** A piece of an answer, as it arrives: always whole Unicode characters. */
export interface Piece {
  readonly kind: "thinking" | "answer";
  readonly text: string;
}

/** Why an answer ended: a stop token, a stop string, or the limit of tokens or of the model's context. */
export type StopReason = "token" | "string" | "length";

export interface Result {
  /** What the model said; with `thinking: "inline"` its thinking too. */
  readonly text: string;
  /** What stood between `<think>` and `</think>`; empty when it is inline or hidden. */
  readonly thinking: string;
  /** The ids that were generated; a stop token that ended them is the last. */
  readonly tokenIds: readonly number[];
  /** Positions of the prompt, after pruning. */
  readonly promptTokens: number;
  /** Positions of the prompt that the conversation held and that were not computed again; 0 for `model.ask`. */
  readonly reusedTokens: number;
  /** Visual tokens before pruning, and those that were kept. */
  readonly visualTokens: { readonly all: number; readonly kept: number };
  /** What is odd about the visual inputs that were read all the same: gaps in a series, burned-in text, a head. */
  readonly warnings: readonly InputWarning[];
  readonly stopReason: StopReason;
  readonly timings: Timings;
}

/** Milliseconds. */
export interface Timings {
  /** Decoding files, resizing, tokenizing. */
  readonly process: number;
  /** The vision encoder, pruning, the projector. */
  readonly encode: number;
  /** The prompt through the decoder, up to the first token. */
  readonly prefill: number;
  /** The tokens after the first. */
  readonly decode: number;
}

/**
 * An answer: iterate over it for its text as it arrives, or wait for `result()`. It begins when the first of them is
 * called, and it can be consumed once. Leaving the iteration early ends the work.
 */
export class Answer implements AsyncIterable<string> {
  readonly #run: () => AsyncGenerator<Piece, Result>;
  #outcome: Promise<Result> | undefined;
  #used = false;

  constructor(run: () => AsyncGenerator<Piece, Result>) {
    this.#run = run;
  }

  /** The text of the answer; thinking that is kept apart is left out. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    for await (const { kind, text } of this.pieces()) if (kind === "answer") yield text;
  }

  /** Thinking and answer, each piece marked. */
  async *pieces(): AsyncGenerator<Piece, void> {
    if (this.#used) throw new EngineError("answer-used", "an answer can be consumed once; ask again for another");
    this.#used = true;
    const run = this.#run();
    const outcome = deferred<Result>();
    this.#outcome = outcome.promise;
    try {
      for (;;) {
        const next = await run.next();
        if (next.done) {
          outcome.resolve(next.value);
          return;
        }
        yield next.value;
      }
    } catch (cause) {
      outcome.reject(cause);
      throw cause;
    } finally {
      // Only where the consumer left early is there anything to end; a settled outcome stays as it is.
      await run.return(undefined as never);
      outcome.reject(new EngineError("answer-used", "the answer was left before its end"));
    }
  }

  /** The whole answer with its counts and timings. */
  async result(): Promise<Result> {
    if (!this.#used) for await (const _ of this.pieces());
    return this.#outcome as Promise<Result>;
  }
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (cause: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whoever asks for the result sees the failure; nobody has to.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
