import type { ModelConfig } from "@hulu/core";
import type { Answer } from "./answer.js";
import type { AskOptions } from "./ask-options.js";
import type { ImageInput, Message } from "./content.js";
import type { Conversation, ConverseOptions } from "./conversation.js";

/** What a picture's tokens are before the projector. */
export interface EncodedImage {
  readonly data: Float32Array;
  /** Tokens, width of the vision encoder. */
  readonly shape: readonly [number, number];
  /** Frames, rows and columns of patches. */
  readonly grid: readonly [number, number, number];
}

/**
 * A loaded model. It answers any number of conversations, also at the same time. It may run in a worker or in this thread;
 * nothing about it tells which.
 */
export interface HuluModel {
  readonly config: ModelConfig;
  /** The most positions of a conversation. */
  readonly contextLength: number;

  /**
   * Ask about text, pictures, volumes and frames. Nothing is computed until the answer is iterated or awaited.
   * @throws EngineError or GenerationError at once for a conversation or an option that cannot be
   */
  ask(conversation: string | readonly Message[], options?: AskOptions): Answer;

  /**
   * Begin a conversation that goes on: what it holds is not computed again.
   * @throws EngineError at once for messages that cannot be
   */
  converse(options?: ConverseOptions): Conversation;

  /**
   * Go on with a conversation that was saved, with nothing computed again. It needs the same model, and has the pixels of
   * no picture: where those would be needed, for another merging, say, it is refused as `visual-forgotten`.
   * @param saved what `save` gave
   * @throws EngineError `saved-invalid` for a file that is damaged or of another version; SessionError for one that belongs
   *   to another model, or is longer than this one's context
   */
  restore(saved: Uint8Array): Promise<Conversation>;

  /**
   * The vision encoder's tokens of a picture, `[token, vision]`: before the projector, after merging.
   * @param options.merge patches per token along each side; 1 unless given
   */
  encodeVision(
    image: ImageInput,
    options?: Pick<AskOptions, "merge" | "aspect" | "passOrder" | "signal">,
  ): Promise<EncodedImage>;

  /** The ids of a text, its special tokens read as such. */
  tokenize(text: string): Promise<readonly number[]>;
  /** The text of ids, special tokens included. */
  detokenize(ids: readonly number[]): Promise<string>;

  /** Free the weights and everything else that the backend holds. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
