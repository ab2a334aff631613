import { Answer, type Piece, type Result } from "../answer.js";
import type { AskOptions, PromptOptions } from "../ask-options.js";
import { copyMessages, type Message } from "../content.js";
import type { Conversation } from "../conversation.js";
import { turnOf } from "../talk.js";
import { asMessages } from "../validate.js";
import { noFunction } from "./pack.js";
import { packMessages } from "./pack-messages.js";
import type { RemoteModel } from "./remote-model.js";
import { optionsOf } from "./remote-options.js";

/** A conversation that goes on in the worker; what was said is known on both sides. */
export class RemoteConversation implements Conversation {
  readonly #model: RemoteModel;
  /** The worker's number for it. */
  readonly #target: Promise<number>;
  #messages: readonly Message[];
  #ended: Promise<void> | undefined;

  constructor(model: RemoteModel, target: Promise<number>, messages: readonly Message[]) {
    this.#model = model;
    this.#target = target;
    this.#messages = messages;
    // Whoever asks something gets the failure; nobody has to.
    target.then(
      (number) => model.forgotten.register(this, number),
      () => {},
    );
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  ask(turn: string | Message | readonly Message[], options: AskOptions = {}): Answer {
    const messages = turnOf(turn);
    asMessages([...this.#messages, ...messages], options, this.#model.config);
    if (options.processLogits) throw noFunction("processLogits");
    const own = copyMessages(messages);
    return new Answer(() => this.#answer(own, options));
  }

  async *#answer(turn: readonly Message[], options: AskOptions): AsyncGenerator<Piece, Result> {
    const { value, transfer } = await packMessages(turn, this.#model.link.sources);
    const more = { ...optionsOf({ ...options }), transfer };
    const result = yield* this.#model.link.pieces<Piece, Result>(await this.#target, "ask", [value], more);
    this.#messages = [...this.#messages, ...turn, Object.freeze({ role: "assistant", content: result.text } as const)];
    return result;
  }

  async prefill(options: PromptOptions = {}): Promise<number> {
    return this.#model.link.call(await this.#target, "prefill", [], optionsOf({ ...options }));
  }

  async fork(): Promise<Conversation> {
    const target = await this.#model.link.call<number>(await this.#target, "fork", []);
    return new RemoteConversation(this.#model, Promise.resolve(target), this.#messages);
  }

  async truncate(messages: number): Promise<void> {
    await this.#model.link.call(await this.#target, "truncate", [messages]);
    this.#messages = this.#messages.slice(0, messages);
  }

  async save(): Promise<Uint8Array> {
    return this.#model.link.call(await this.#target, "save", []);
  }

  dispose(): Promise<void> {
    // Where the worker is lost, or the conversation never began, nothing is left to free.
    this.#ended ??= this.#target.then((target) => this.#model.link.call<void>(target, "dispose", [])).catch(() => {});
    return this.#ended;
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
