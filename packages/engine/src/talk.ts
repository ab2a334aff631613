import { prefill } from "@hulu/core";
import { Answer, type Piece, type Result, type Timings } from "./answer.js";
import type { AskOptions, PromptOptions } from "./ask-options.js";
import { checkMessages } from "./check-messages.js";
import { stopwatch } from "./clock.js";
import { copyMessages, type Message } from "./content.js";
import type { Conversation } from "./conversation.js";
import { EngineError } from "./error.js";
import type { Loaded } from "./loaded.js";
import { Prefix, tokenIdentity } from "./prefix.js";
import { rememberedMessages, type SeenParts } from "./prepare.js";
import { draft, encode, type Ready } from "./prompt.js";
import { writeSaved } from "./saved-conversation.js";
import { tell } from "./tell.js";
import { asMessages, checkPrefillOptions } from "./validate.js";
import { VisualStore } from "./visual-store.js";

/** What a conversation begins with. */
export interface Past {
  readonly messages: readonly Message[];
  readonly prefix?: Prefix;
  readonly visuals?: VisualStore;
  readonly seen?: SeenParts;
  /** One answer, and no more. */
  readonly once?: boolean;
}

/** A prompt, and how long it took to make it. */
interface Made extends Ready {
  readonly times: Pick<Timings, "process" | "encode">;
}

/** A conversation that runs here. */
export class Talk implements Conversation {
  readonly #loaded: Loaded;
  readonly #seen: SeenParts;
  readonly #once: boolean;
  readonly #visuals: VisualStore;
  #messages: readonly Message[];
  #prefix: Prefix | undefined;
  #busy = false;
  #disposed = false;

  constructor(loaded: Loaded, past: Past) {
    this.#loaded = loaded;
    this.#messages = past.messages;
    this.#prefix = past.prefix;
    this.#visuals = past.visuals ?? new VisualStore();
    this.#seen = past.seen ?? new WeakMap();
    this.#once = past.once ?? false;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  ask(turn: string | Message | readonly Message[], options: AskOptions = {}): Answer {
    const messages = turnOf(turn);
    asMessages([...this.#messages, ...messages], options, this.#loaded.checkpoint.config);
    const own = copyMessages(messages);
    return new Answer(() => this.#answer(own, options));
  }

  async prefill(options: PromptOptions = {}): Promise<number> {
    checkPrefillOptions(options);
    return this.#alone(() => this.#prefill(options), options.signal);
  }

  async #prefill(options: PromptOptions): Promise<number> {
    if (this.#messages.length === 0) return this.#prefix?.session.length ?? 0;
    const ready = await this.#ready(this.#messages, { ...options, answered: false });
    const prefix = this.#keep(ready, ready.identities.length);
    const held = prefix.session.length;
    try {
      if (held < ready.identities.length)
        await prefill(this.#loaded.compiled, prefix.session, ready.prompt, { held, signal: options.signal });
    } finally {
      prefix.settle(ready.identities);
    }
    return prefix.session.length;
  }

  async save(): Promise<Uint8Array> {
    return this.#alone(async () => {
      const forget = () => rememberedMessages(this.#messages, this.#seen);
      if (forget() === undefined) await this.#prefill({});
      this.#prefix ??= new Prefix(this.#loaded.compiled.createSession());
      return writeSaved(forget() ?? [], this.#prefix, this.#visuals);
    });
  }

  async fork(): Promise<Conversation> {
    this.#checkFree();
    return new Talk(this.#loaded, {
      messages: this.#messages,
      visuals: this.#visuals.fork(),
      seen: this.#seen,
      ...(this.#prefix && { prefix: this.#prefix.fork() }),
    });
  }

  async truncate(messages: number): Promise<void> {
    this.#checkFree();
    const { length } = this.#messages;
    if (!Number.isSafeInteger(messages) || messages < 0 || messages > length)
      throw new EngineError(
        "option-invalid",
        `truncate: messages is ${messages}; it must be a whole number from 0 to ${length}`,
      );
    this.#messages = this.#messages.slice(0, messages);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#free();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async *#answer(turn: readonly Message[], options: AskOptions): AsyncGenerator<Piece, Result> {
    this.#begin();
    try {
      const messages = [...this.#messages, ...turn];
      // Since the question was put, messages may have been forgotten.
      checkMessages(messages);
      const result = yield* this.#told(messages, options);
      this.#messages = [...messages, Object.freeze({ role: "assistant", content: result.text } as const)];
      return result;
    } catch (error) {
      throw this.#failure(error, options.signal);
    } finally {
      this.#end();
    }
  }

  async *#told(messages: readonly Message[], options: AskOptions): AsyncGenerator<Piece, Result> {
    const ready = await this.#ready(messages, { ...options, answered: true });
    const clock = stopwatch();
    // The last position is always run: its logits choose the first token.
    const prefix = this.#keep(ready, ready.identities.length - 1);
    const reusedTokens = prefix.session.length;
    const positions = [...ready.identities];
    const onToken = (id: number) => void positions.push(tokenIdentity(id));
    try {
      const more = { ...options, held: reusedTokens, clock, onToken };
      const { timings, ...said } = yield* tell(this.#loaded, prefix.session, ready.prompt, more);
      return {
        ...said,
        promptTokens: ready.identities.length,
        reusedTokens,
        visualTokens: ready.visualTokens,
        warnings: ready.warnings,
        timings: { ...ready.times, ...timings },
      };
    } finally {
      prefix.settle(positions);
    }
  }

  /** The conversation written down, its visual inputs encoded. */
  async #ready(messages: readonly Message[], options: PromptOptions & { readonly answered: boolean }): Promise<Made> {
    const clock = stopwatch();
    const drafted = await draft(this.#loaded, messages, { ...options, seen: this.#seen, once: this.#once });
    const drafting = clock();
    const ready = await encode(this.#loaded, drafted, this.#visuals, options);
    const { processing } = ready;
    const times = { process: drafting + processing, encode: clock() - processing };
    this.#checkAlive();
    return { ...ready, times };
  }

  /** Keep of what is held what a prompt begins with, at most so many positions, and let go of all else. */
  #keep({ identities, keys }: Ready, most: number): Prefix {
    this.#prefix ??= new Prefix(this.#loaded.compiled.createSession());
    this.#prefix.truncate(Math.min(most, this.#prefix.common(identities)));
    this.#visuals.keepOnly(keys);
    return this.#prefix;
  }

  async #alone<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#begin();
    try {
      return await body();
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      this.#end();
    }
  }

  #begin(): void {
    this.#checkFree();
    this.#busy = true;
  }

  #end(): void {
    this.#busy = false;
    // What was made after it was disposed of.
    if (this.#disposed) this.#free();
  }

  #free(): void {
    this.#prefix?.session.dispose();
    this.#visuals.dispose();
  }

  /** What fails because the conversation or its model was disposed of meanwhile, says so. */
  #failure(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return error;
    this.#checkAlive();
    return error;
  }

  #checkFree(): void {
    this.#checkAlive();
    if (this.#busy)
      throw new EngineError(
        "conversation-busy",
        "an answer of this conversation is not over; wait for it or leave it, or ask in a fork that was made before it",
      );
  }

  #checkAlive(): void {
    this.#loaded.alive();
    if (this.#disposed) throw new EngineError("disposed", "the conversation was disposed");
  }
}

/** @returns a turn as messages; whether they are any is checked with all the others */
export const turnOf = (turn: string | Message | readonly Message[]): readonly Message[] => {
  if (typeof turn === "string") return [{ role: "user", content: turn }];
  return Array.isArray(turn) ? turn : [turn as Message];
};
