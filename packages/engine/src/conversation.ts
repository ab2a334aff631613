import type { Answer } from "./answer.js";
import type { AskOptions, PromptOptions } from "./ask-options.js";
import type { Message } from "./content.js";

/**
 * A conversation that goes on without computing again what it holds. Each turn writes the whole conversation down, as
 * `model.ask(messages)` would; of the positions that come out, those are kept that stand at its beginning and are the same
 * as before, by token and by visual input (pixels, merging, pruning), and the rest is computed. So an edit, or a template
 * that changes earlier turns, costs what it changes and no more. A visual input is encoded once.
 *
 * One thing happens at a time: what is asked for while an answer is not over is refused as `conversation-busy`. Any number
 * of conversations can go on side by side.
 */
export interface Conversation {
  /** What was said, answers included: of an answer its text, without thinking that was kept apart or hidden. */
  readonly messages: readonly Message[];

  /**
   * Ask in this conversation. Nothing is computed until the answer is iterated or awaited. When it has ended, the turn and
   * the answer are added to the messages; one that fails, is aborted or is left early adds nothing.
   * @param turn a question, or messages; an empty list to have what was said so far answered
   * @throws EngineError or GenerationError at once for a turn or an option that cannot be
   */
  ask(turn: string | Message | readonly Message[], options?: AskOptions): Answer;

  /**
   * Compute what the messages hold so far, so that the next question waits less and forks share it.
   * @returns how many positions are held
   */
  prefill(options?: PromptOptions): Promise<number>;

  /** Another conversation with the same past. What is held is shared until one of them goes on. */
  fork(): Promise<Conversation>;

  /**
   * Forget all but the first messages.
   * @throws EngineError `option-invalid` when there are not as many
   */
  truncate(messages: number): Promise<void>;

  /**
   * All that `model.restore` needs to go on without computing again, here or elsewhere, as one safetensors file. Visual
   * inputs that were not computed yet are computed first, as `prefill` without options does.
   *
   * The file holds no pixels, but it is patient data all the same: what was said, and what the model saw, from which much
   * can be told. It is not encrypted.
   * @throws EngineError `sha256-missing` in a page that was not loaded over https
   */
  save(): Promise<Uint8Array>;

  /** Free what the conversation holds. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ConverseOptions {
  /** What was said before, such as a system prompt. */
  readonly messages?: readonly Message[] | undefined;
}
