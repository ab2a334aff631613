import type { ModelConfig } from "@hulu/core";
import { Answer, type Piece, type Result } from "../answer.js";
import type { AskOptions } from "../ask-options.js";
import { copyMessages, type ImageInput, type Message } from "../content.js";
import type { Conversation, ConverseOptions } from "../conversation.js";
import { EngineError } from "../error.js";
import type { CheckpointSource } from "../files.js";
import type { EncodedImage, HuluModel } from "../hulu-model.js";
import { asMessages, checkConverse, checkSaved } from "../validate.js";
import { Link } from "./link.js";
import { noFunction, pack, unpack } from "./pack.js";
import { packMessages, sendablePicture } from "./pack-messages.js";
import { hold, portOf, type WorkerLike } from "./port.js";
import { HOST, MODEL } from "./protocol.js";
import { RemoteConversation } from "./remote-conversation.js";
import { optionsOf } from "./remote-options.js";
import type { Started } from "./start.js";

interface Facts {
  readonly config: ModelConfig;
  readonly contextLength: number;
}

/** Milliseconds that reading a tokenizer or rendering a conversation may take at a stretch, unless the caller says so. */
const TEXT_TIME = 20_000;

/** Options of `load` as the worker's side gets them. */
export interface RemoteOptions extends Readonly<Record<string, unknown>> {
  readonly signal?: AbortSignal | undefined;
  readonly textTimeLimit?: number | undefined;
}

/** Load a model in a worker. The worker ends with the model, or when loading fails. */
export async function loadRemote(
  source: CheckpointSource,
  { worker, origin, module }: Started,
  options: RemoteOptions,
): Promise<HuluModel> {
  const { textTimeLimit = TEXT_TIME, ...loading } = options;
  const end = () => void worker.terminate();
  const lost = (why: unknown) => {
    link.lose(new EngineError("worker-lost", "the worker has ended, and the model with it", { cause: why }));
    // A page's worker goes on after an error that nobody caught.
    end();
  };
  const link: Link = new Link(portOf(worker, lost), {
    textTimeLimit,
    end,
    // A model that nobody is waiting for does not keep a process alive.
    onBusy: (busy) => hold(worker, busy),
    module,
  });
  try {
    const { value, transfer } = await pack(source, "the checkpoint");
    const facts = await link.call<Facts>(HOST, "load", [value, origin], { ...optionsOf(loading), transfer });
    return new RemoteModel(link, worker, facts);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

const disposed = () => new EngineError("disposed", "the model was disposed");

/** A model that runs in a worker, behind the same interface. */
export class RemoteModel implements HuluModel {
  readonly config: ModelConfig;
  readonly contextLength: number;
  readonly link: Link;
  /** A conversation that nobody can reach any more is disposed of in the worker too. */
  readonly forgotten = new FinalizationRegistry<number>((target) => {
    this.link.call(target, "dispose", []).catch(() => {});
  });
  readonly #worker: WorkerLike;
  #ended: Promise<void> | undefined;

  constructor(link: Link, worker: WorkerLike, { config, contextLength }: Facts) {
    this.config = config;
    this.contextLength = contextLength;
    this.link = link;
    this.#worker = worker;
  }

  ask(conversation: string | readonly Message[], options: AskOptions = {}): Answer {
    const messages = copyMessages(asMessages(conversation, options, this.config));
    if (options.processLogits) throw noFunction("processLogits");
    const link = this.link;
    return new Answer(async function* () {
      const { value, transfer } = await packMessages(messages, link.sources);
      return yield* link.pieces<Piece, Result>(MODEL, "ask", [value], { ...optionsOf({ ...options }), transfer });
    });
  }

  converse(options: ConverseOptions = {}): Conversation {
    if (this.#ended !== undefined) throw disposed();
    checkConverse(options, this.config);
    const messages = copyMessages(options.messages ?? []);
    const begun = async () => {
      const { value, transfer } = await packMessages(messages, this.link.sources);
      return this.link.call<number>(MODEL, "converse", [{ messages: value }], { transfer });
    };
    return new RemoteConversation(this, begun(), messages);
  }

  async restore(saved: Uint8Array): Promise<Conversation> {
    checkSaved(saved);
    const { value, transfer } = await pack(saved, "the saved conversation");
    const target = await this.link.call<number>(MODEL, "restore", [value], { transfer });
    const messages = unpack(await this.link.call(target, "messages", [])) as readonly Message[];
    return new RemoteConversation(this, Promise.resolve(target), messages);
  }

  async encodeVision(
    image: ImageInput,
    options: Pick<AskOptions, "merge" | "aspect" | "passOrder" | "signal"> = {},
  ): Promise<EncodedImage> {
    const { value, transfer } = await pack(await sendablePicture(image), "the picture");
    return this.link.call(MODEL, "encodeVision", [value], { ...optionsOf({ ...options }), transfer });
  }

  tokenize(text: string): Promise<readonly number[]> {
    return this.link.call(MODEL, "tokenize", [text]);
  }
  detokenize(ids: readonly number[]): Promise<string> {
    return this.link.call(MODEL, "detokenize", [[...ids]]);
  }

  dispose(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #end(): Promise<void> {
    // A worker that is lost already has nothing left to free.
    await this.link.call(MODEL, "dispose", []).catch(() => {});
    this.link.lose(disposed());
    await this.#worker.terminate();
  }
}
