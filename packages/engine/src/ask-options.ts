import type { PruneOptions, PruneRule, SamplingOptions } from "@hulu/core";
import type { Aspect, PassOrder } from "@hulu/processor";

/** How a conversation is written down for the model, and its visual inputs cut up. */
export interface PromptOptions {
  /** How visual tokens of videos and volumes are pruned; `released` unless the checkpoint switches it off. */
  readonly prune?: PruneRule | PruneOptions | undefined;
  /** How many patches go into a visual token along each side: 2 where there is a video or a volume, else 1. */
  readonly merge?: number | undefined;
  /** `transposed` gives the released code's numbers for pictures that are not square, where it confuses the sides. */
  readonly aspect?: Aspect | undefined;
  /** The order of the resize passes: of Pillow 13 (the default) or of 11 and 12. */
  readonly passOrder?: PassOrder | undefined;
  /** Whether a checkpoint's own template adds its system prompt: true where there are pictures, unless given. */
  readonly systemPrompt?: boolean | undefined;
  /** More variables for a checkpoint's own template. */
  readonly templateVariables?: Readonly<Record<string, unknown>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AskOptions extends SamplingOptions, PromptOptions {
  /** The most tokens of the answer; 2048 unless given. */
  readonly maxTokens?: number | undefined;
  /** Strings that end the answer; they are not part of it. */
  readonly stop?: readonly string[] | undefined;
  /** `apart`: thinking has a place of its own (the default); `hidden`: it is left out; `inline`: it is text like any other. */
  readonly thinking?: "apart" | "hidden" | "inline" | undefined;
}

/** The sampling options that were set; those left out do not hide the checkpoint's own. */
export const samplingOf = (options: AskOptions): SamplingOptions => {
  const { temperature, topK, topP, repetitionPenalty, seed, processLogits } = options;
  return Object.fromEntries(
    Object.entries({ temperature, topK, topP, repetitionPenalty, seed, processLogits }).filter(
      ([, v]) => v !== undefined,
    ),
  );
};
