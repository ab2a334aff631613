import {
  type Backend,
  type Compiled,
  compile,
  encodeItem,
  GenerationError,
  generate,
  type LanguageModel,
  type ModelConfig,
  modelPrograms,
  type Prompt,
  type PruneOptions,
  type PruneRule,
  type SamplingOptions,
  spliceVisual,
  type Tensor,
  type TextPrograms,
  tokensPerFrame,
  type Vlm,
  type VlmPrograms,
  visionFeeds,
} from "@hulu/core";
import { type Aspect, encodePrompt, type PassOrder, type Patches, preprocess, type Tokenizer } from "@hulu/processor";
import { Answer, type Piece, type Result, type StopReason } from "./answer.js";
import { type LoadedCheckpoint, type LoadedVlm, openModel } from "./checkpoint.js";
import { type ImageInput, type Message, type Prepared, prepare, readImage, textOnly, type Visual } from "./content.js";
import { EngineError } from "./error.js";
import type { CheckpointSource } from "./files.js";
import type { EncodedImage, HuluModel } from "./hulu-model.js";
import { TextOut } from "./text-out.js";
import { type TextWatch, watched } from "./text-watch.js";
import { asMessages, given, noVision } from "./validate.js";

/** What loading takes, wherever the model runs. */
export interface LocalOptions {
  readonly signal?: AbortSignal;
  /** How many of the weights are ready. */
  onProgress?(done: number, total: number, path: string): void;
  /** The most positions that a conversation may have; the checkpoint's own limit unless given. */
  readonly contextLength?: number;
}

export interface AskOptions extends SamplingOptions {
  /** The most tokens of the answer; 2048 unless given. */
  readonly maxTokens?: number | undefined;
  /** Strings that end the answer; they are not part of it. */
  readonly stop?: readonly string[] | undefined;
  /** `apart`: thinking has a place of its own (the default); `hidden`: it is left out; `inline`: it is text like any other. */
  readonly thinking?: "apart" | "hidden" | "inline" | undefined;
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

/** Load a checkpoint in this thread. */
export async function loadHere(
  source: CheckpointSource,
  options: LocalOptions & { readonly backend: Backend },
  watch: TextWatch = () => {},
): Promise<LocalModel> {
  const { backend, signal, onProgress, contextLength } = options;
  const checkpoint = await openModel(source, signal, watch);
  const most = Math.min(contextLength ?? Number.POSITIVE_INFINITY, checkpoint.config.maxPositions);
  try {
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

/** A language model has fewer of them; `#eye` gives all. */
type Programs = TextPrograms | VlmPrograms;

/** A model that runs in this thread. */
export class LocalModel implements HuluModel {
  readonly #watch: TextWatch;
  readonly #checkpoint: LoadedCheckpoint;
  readonly #compiled: Compiled<Programs>;
  /** The most positions of a conversation. */
  readonly contextLength: number;
  #disposed = false;

  constructor(
    checkpoint: LoadedCheckpoint,
    compiled: Compiled<Programs>,
    contextLength: number,
    watch: TextWatch = () => {},
  ) {
    this.#watch = watch;
    this.#checkpoint = checkpoint;
    this.#compiled = compiled;
    this.contextLength = contextLength;
  }

  get config(): ModelConfig {
    return this.#checkpoint.config;
  }
  get tokenizer(): Tokenizer {
    return this.#checkpoint.tokenizer;
  }
  /** The definition that runs. */
  get definition(): Vlm | LanguageModel {
    return this.#checkpoint.model;
  }

  ask(conversation: string | readonly Message[], options: AskOptions = {}): Answer {
    const messages = asMessages(conversation, options, this.config);
    return new Answer(() => this.#answer(messages, options));
  }

  /** @throws EngineError `no-vision` for a language model */
  #eye(): { checkpoint: LoadedVlm; compiled: Compiled<VlmPrograms> } {
    const checkpoint = this.#checkpoint;
    if (checkpoint.imageToken === undefined) throw noVision();
    return { checkpoint, compiled: this.#compiled as Compiled<VlmPrograms> };
  }

  async encodeVision(
    image: ImageInput,
    options: Pick<AskOptions, "merge" | "aspect" | "passOrder" | "signal"> = {},
  ): Promise<EncodedImage> {
    this.#alive();
    const { checkpoint, compiled } = this.#eye();
    const { merge = 1, signal } = options;
    const [patches] = preprocess(
      [{ frames: [await readImage(image)], merge }],
      checkpoint.preprocessor,
      patchOptions(options),
    );
    if (patches === undefined) throw new EngineError("content-invalid", "a picture is needed");
    const feeds = visionFeeds(patches);
    const { tokens } = await compiled.run("encodeVision", feeds, signal && { signal });
    const [, count = 0, width = 0] = tokens.shape;
    const data = (await tokens.read()) as Float32Array;
    tokens.dispose();
    return { data, shape: [count, width] as const, grid: patches.grid };
  }

  async tokenize(text: string): Promise<readonly number[]> {
    this.#alive();
    return this.tokenizer.encode(text, { allowSpecial: true });
  }
  async detokenize(ids: readonly number[]): Promise<string> {
    this.#alive();
    return this.tokenizer.decode(ids);
  }

  async *#answer(messages: readonly Message[], options: AskOptions): AsyncGenerator<Piece, Result> {
    this.#alive();
    const clock = stopwatch();
    const prepared = await prepare(messages, options.signal);
    const { ids, patches } = this.#promptOf(prepared, options);
    const items = patches.map((item, i) => ({ ...item, prune: this.#pruning(item, prepared.visuals[i], options) }));
    this.#checkLength(fewest(ids, this.#placeholder, items));
    const process = clock();
    const parts: Tensor[] = [];
    try {
      const { prompt, keep } = await this.#encode(ids, items, parts, options.signal);
      const encode = clock();
      this.#checkLength(prompt.ids.length);
      const told = yield* this.#tell(prompt, options, clock);
      return {
        ...told.result,
        promptTokens: prompt.ids.length,
        visualTokens: { all: keep.length, kept: keep.reduce((n, k) => n + k, 0) },
        timings: { process, encode, ...told.timings },
      };
    } finally {
      for (const part of parts) part.dispose();
    }
  }

  /** The id of what stands for a picture; none of a language model's. */
  get #placeholder(): number {
    return this.#checkpoint.imageToken?.id ?? -1;
  }

  #checkLength(positions: number): void {
    if (positions < this.contextLength) return;
    throw new EngineError(
      "prompt-too-long",
      `the prompt has ${positions} tokens, the model takes ${this.contextLength - 1}; ask with fewer or smaller pictures, or less text`,
    );
  }

  #promptOf(
    { conversation, visuals }: Prepared,
    options: AskOptions,
  ): { ids: readonly number[]; patches: readonly Patches[] } {
    const { tokenizer, template, templateVariables } = this.#checkpoint;
    const shared = {
      template,
      addGenerationPrompt: true,
      addSystemPrompt: options.systemPrompt ?? visuals.length > 0,
      variables: { ...templateVariables, ...options.templateVariables },
    };
    if (this.#checkpoint.imageToken === undefined) {
      const { ids } = watched(this.#watch, () => encodePrompt(textOnly(conversation), tokenizer, shared));
      return { ids, patches: [] };
    }
    const { preprocessor, imageToken } = this.#checkpoint;
    const merge = options.merge ?? (visuals.some((v) => v.kind === "video") ? 2 : 1);
    const patches = preprocess(
      visuals.map(({ frames }) => ({ frames, merge })),
      preprocessor,
      patchOptions(options),
    );
    const { ids } = watched(this.#watch, () =>
      encodePrompt(conversation, tokenizer, { ...shared, visuals: patches, imageToken: imageToken.text }),
    );
    return { ids, patches };
  }

  /** @param parts gets the projected rows, so that they can be let go of whatever happens */
  async #encode(ids: readonly number[], items: readonly Item[], parts: Tensor[], signal: AbortSignal | undefined) {
    const masks: Uint8Array[] = [];
    for (const item of items) {
      const { visual, keep } = await encodeItem(this.#eye().compiled, item, { prune: item.prune, signal });
      parts.push(...visual);
      masks.push(keep);
    }
    const keep = Uint8Array.from(masks.flatMap((m) => [...m]));
    const spliced = spliceVisual(ids, this.#placeholder, keep);
    const prompt: Prompt = { ids: spliced.ids, visual: { parts, index: spliced.index } };
    return { prompt, keep };
  }

  /** Only videos and volumes of more than one frame are pruned. */
  #pruning({ grid }: Patches, visual: Visual | undefined, { prune }: AskOptions): PruneOptions | undefined {
    if (visual?.kind !== "video" || grid[0] === 1) return undefined;
    if (typeof prune === "object") return prune;
    return { rule: prune ?? (this.#eye().checkpoint.config.tokenCompression ? "released" : "off") };
  }

  async *#tell(prompt: Prompt, options: AskOptions, clock: () => number) {
    const { stopTokens, ...defaults } = this.#checkpoint.generation;
    const { thinking = "apart", stop = [], signal } = options;
    const wanted = options.maxTokens ?? 2048;
    if (!Number.isSafeInteger(wanted) || wanted < 1)
      throw new GenerationError(`maxTokens is ${wanted}; it must be a whole number of at least 1`);
    const maxTokens = Math.min(wanted, this.contextLength - prompt.ids.length);
    using session = this.#compiled.createSession();
    const text = new TextOut(this.tokenizer, stop, thinking);
    const tokenIds: number[] = [];
    let stopReason: StopReason = "length";
    let prefill = 0;
    for await (const { id } of generate(this.#compiled, session, prompt, {
      ...defaults,
      ...given(options),
      maxTokens,
      stopTokens,
      signal,
    })) {
      if (tokenIds.length === 0) prefill = clock();
      tokenIds.push(id);
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
    return {
      result: { text: text.text, thinking: text.thinking, tokenIds, stopReason },
      timings: { prefill, decode: clock() },
    };
  }

  #alive(): void {
    if (this.#disposed) throw new EngineError("disposed", "the model was disposed");
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#compiled.dispose();
    await this.#checkpoint.stored.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** A visual input with the rule that it is pruned by. */
type Item = Patches & { readonly prune: PruneOptions | undefined };

/** How many positions a prompt takes at least: of a frame that is pruned, as few tokens as its rule must keep. */
function fewest(ids: readonly number[], imageToken: number, items: readonly Item[]): number {
  const text = ids.filter((id) => id !== imageToken).length;
  const visual = items.map(({ grid, merge, prune }) => {
    const tokens = tokensPerFrame(grid, merge);
    return grid[0] * (prune === undefined || prune.rule === "off" ? tokens : Math.min(tokens, prune.minTokens ?? 1));
  });
  return visual.reduce((n, count) => n + count, text);
}

const patchOptions = ({ aspect, passOrder }: Pick<AskOptions, "aspect" | "passOrder">) => ({
  ...(aspect && { aspect }),
  ...(passOrder && { passOrder }),
});

/** Milliseconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const passed = now - last;
    last = now;
    return passed;
  };
}
