import {
  type Backend,
  type Compiled,
  compile,
  type LanguageModel,
  type ModelConfig,
  modelPrograms,
  type TextPrograms,
  type Vlm,
  type VlmPrograms,
  visionFeeds,
} from "@hulu/core";
import type { Tokenizer } from "@hulu/processor";
import { Answer } from "./answer.js";
import type { AskOptions } from "./ask-options.js";
import { type LoadedCheckpoint, openModel } from "./checkpoint.js";
import { copyMessages, type ImageInput, type Message } from "./content.js";
import type { Conversation, ConverseOptions } from "./conversation.js";
import { EngineError } from "./error.js";
import type { CheckpointSource } from "./files.js";
import type { EncodedImage, HuluModel } from "./hulu-model.js";
import { eyeOf, type Loaded } from "./loaded.js";
import { checkBeforeFetch, checkMemory } from "./memory.js";
import { openPart } from "./open.js";
import { cutFrames, planVisual } from "./plan.js";
import { readSaved } from "./saved-conversation.js";
import type { SourceOptions } from "./source.js";
import { Talk } from "./talk.js";
import { type TextWatch, watched } from "./text-watch.js";
import { asMessages, checkConverse, checkSaved } from "./validate.js";

/** What loading takes, wherever the model runs. */
export interface LocalOptions extends SourceOptions {
  readonly signal?: AbortSignal;
  /** How many of the weights are ready. */
  onProgress?(done: number, total: number, path: string): void;
  /** The most positions that a conversation may have; the checkpoint's own limit unless given. */
  readonly contextLength?: number;
  /**
   * The most bytes that the process may grow by, as `estimateMemory` foretells it: a model that needs more is refused
   * before a byte of its weights is read, or fetched.
   */
  readonly maxMemory?: number | undefined;
  /** The largest picture that `maxMemory` must do for, in patches; see `estimateMemory`. */
  readonly patches?: number | undefined;
}

/** Load a checkpoint in this thread. */
export async function loadHere(
  source: CheckpointSource,
  options: LocalOptions & { readonly backend: Backend },
  watch: TextWatch = () => {},
): Promise<LocalModel> {
  const { backend, signal, onProgress, contextLength, maxMemory, patches } = options;
  if (maxMemory !== undefined) await checkBeforeFetch(source, backend, maxMemory, options);
  const checkpoint = await openModel(source, options, watch);
  const most = Math.min(contextLength ?? Number.POSITIVE_INFINITY, checkpoint.config.maxPositions);
  try {
    if (maxMemory !== undefined) checkMemory(checkpoint, backend, maxMemory, { contextLength, patches });
    const compiled = await compile(backend, modelPrograms(checkpoint.model), checkpoint.weights, {
      max: { past: most },
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    return new LocalModel(checkpoint, compiled, most, watch);
  } catch (error) {
    await checkpoint.stored.close();
    throw error;
  }
}

/** A model that runs in this thread. */
export class LocalModel implements HuluModel {
  readonly #loaded: Loaded;
  #disposed = false;

  constructor(
    checkpoint: LoadedCheckpoint,
    compiled: Compiled<TextPrograms | VlmPrograms>,
    contextLength: number,
    watch: TextWatch = () => {},
  ) {
    this.#loaded = { checkpoint, compiled, contextLength, watch, alive: () => this.#alive() };
  }

  get config(): ModelConfig {
    return this.#loaded.checkpoint.config;
  }
  get tokenizer(): Tokenizer {
    return this.#loaded.checkpoint.tokenizer;
  }
  get contextLength(): number {
    return this.#loaded.contextLength;
  }
  /** The definition that runs. */
  get definition(): Vlm | LanguageModel {
    return this.#loaded.checkpoint.model;
  }

  ask(conversation: string | readonly Message[], options: AskOptions = {}): Answer {
    const messages = copyMessages(asMessages(conversation, options, this.config));
    const loaded = this.#loaded;
    // A conversation of one answer, thrown away behind it.
    return new Answer(async function* () {
      await using talk = new Talk(loaded, { messages, once: true });
      const answer = talk.ask([], options);
      yield* answer.pieces();
      return answer.result();
    });
  }

  converse(options: ConverseOptions = {}): Conversation {
    this.#alive();
    checkConverse(options, this.config);
    return new Talk(this.#loaded, { messages: copyMessages(options.messages ?? []) });
  }

  async restore(saved: Uint8Array): Promise<Conversation> {
    this.#alive();
    checkSaved(saved);
    const { checkpoint, compiled } = this.#loaded;
    const open = (from: Uint8Array) => compiled.createSession({ from });
    return new Talk(this.#loaded, await readSaved(saved, checkpoint.config.decoder.embed, open));
  }

  async encodeVision(
    image: ImageInput,
    options: Pick<AskOptions, "merge" | "aspect" | "passOrder" | "signal"> = {},
  ): Promise<EncodedImage> {
    this.#alive();
    const { checkpoint, compiled } = eyeOf(this.#loaded);
    const { merge = 1, aspect, passOrder, signal } = options;
    const { source } = await openPart({ type: "image", image }, signal);
    const [plan] = planVisual([source], checkpoint.preprocessor, { merge, aspect });
    if (plan === undefined) throw new EngineError("content-invalid", "a picture is needed");
    const { grid } = plan;
    const data: Float32Array[] = [];
    for await (const { pixels } of cutFrames(source, plan, checkpoint.preprocessor, { passOrder, signal })) {
      const { tokens } = await compiled.run("encodeVision", visionFeeds({ pixels, grid, merge }), signal && { signal });
      try {
        data.push((await tokens.read()) as Float32Array);
      } finally {
        tokens.dispose();
      }
    }
    const [only = new Float32Array(0)] = data;
    return { data: only, shape: [plan.tokens, only.length / plan.tokens] as const, grid };
  }

  async tokenize(text: string): Promise<readonly number[]> {
    this.#alive();
    return watched(this.#loaded.watch, () => this.tokenizer.encode(text, { allowSpecial: true }));
  }
  async detokenize(ids: readonly number[]): Promise<string> {
    this.#alive();
    return watched(this.#loaded.watch, () => this.tokenizer.decode(ids));
  }

  #alive(): void {
    if (this.#disposed) throw new EngineError("disposed", "the model was disposed");
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#loaded.compiled.dispose();
    await this.#loaded.checkpoint.stored.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
