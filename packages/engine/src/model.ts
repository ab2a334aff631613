import {
  type Backend,
  type Compiled,
  compile,
  encodeItem,
  GenerationError,
  type Grid,
  generate,
  hostF32,
  hostI32,
  mergeWeights,
  type Prompt,
  type PruneOptions,
  type PruneRule,
  patchPositions,
  type SamplingOptions,
  StopStrings,
  spliceVisual,
  type Tensor,
  type Vlm,
  type VlmConfig,
  vlmPrograms,
} from "@hulu/core";
import {
  type Aspect,
  encodePrompt,
  type PassOrder,
  type Patches,
  preprocess,
  removeThinking,
  type Tokenizer,
  thinkSplitter,
} from "@hulu/processor";
import { Answer, type Piece, type Result, type StopReason } from "./answer.js";
import { type LoadedCheckpoint, openModel } from "./checkpoint.js";
import { type ImageInput, type Message, type Prepared, prepare, readImage } from "./content.js";
import { EngineError } from "./error.js";
import type { CheckpointSource } from "./files.js";

export interface LoadOptions {
  readonly backend: Backend;
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

/**
 * Load a checkpoint and make it ready to answer.
 * @param source the checkpoint's folder, or its files by name
 * @throws EngineError, ConfigError, WeightError, SafetensorsError or ProcessorError for files that are missing or wrong;
 *   UnsupportedError when the backend cannot run the model
 */
export async function load(source: CheckpointSource, options: LoadOptions): Promise<HuluModel> {
  const checkpoint = await openModel(source, options.signal);
  const { backend, signal, onProgress, contextLength } = options;
  const most = Math.min(contextLength ?? Number.POSITIVE_INFINITY, checkpoint.config.maxPositions);
  if (!Number.isSafeInteger(most) || most < 1)
    throw new EngineError("prompt-too-long", `contextLength must be a whole number of at least 1`);
  const compiled = await compile(backend, vlmPrograms(checkpoint.model), checkpoint.weights, {
    max: { past: most },
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  return new HuluModel(checkpoint, compiled, most);
}

type Programs = ReturnType<typeof vlmPrograms>;

/** A loaded model. It answers any number of conversations, also at the same time. */
export class HuluModel {
  readonly #checkpoint: LoadedCheckpoint;
  readonly #compiled: Compiled<Programs>;
  /** The most positions of a conversation. */
  readonly contextLength: number;
  #disposed = false;

  constructor(checkpoint: LoadedCheckpoint, compiled: Compiled<Programs>, contextLength: number) {
    this.#checkpoint = checkpoint;
    this.#compiled = compiled;
    this.contextLength = contextLength;
  }

  get config(): VlmConfig {
    return this.#checkpoint.config;
  }
  get tokenizer(): Tokenizer {
    return this.#checkpoint.tokenizer;
  }
  /** The definition that runs. */
  get definition(): Vlm {
    return this.#checkpoint.model;
  }

  /** Ask about text, pictures, volumes and frames. Nothing happens until the answer is iterated or awaited. */
  ask(conversation: string | readonly Message[], options: AskOptions = {}): Answer {
    const messages =
      typeof conversation === "string" ? [{ role: "user", content: conversation } as const] : conversation;
    return new Answer(() => this.#answer(messages, options));
  }

  /**
   * The vision encoder's tokens of a picture, `[token, vision]`: before the projector, after merging.
   * @param options.merge patches per token along each side; 1 unless given
   */
  async encodeVision(image: ImageInput, options: Pick<AskOptions, "merge" | "aspect" | "passOrder" | "signal"> = {}) {
    this.#alive();
    const { merge = 1, signal } = options;
    const [patches] = preprocess(
      [{ frames: [await readImage(image)], merge }],
      this.#checkpoint.preprocessor,
      patchOptions(options),
    );
    const { pixels, grid } = patches as Patches;
    const { row, col } = patchPositions(grid, merge);
    const feeds = {
      pixels: hostF32(pixels, [1, row.length, pixels.length / row.length]),
      row: hostI32(row),
      col: hostI32(col),
      window: hostF32(mergeWeights(merge), [merge ** 2]),
    };
    const { tokens } = await this.#compiled.run("encodeVision", feeds, signal && { signal });
    const [, count = 0, width = 0] = tokens.shape;
    const data = (await tokens.read()) as Float32Array;
    tokens.dispose();
    return { data, shape: [count, width] as const, grid: grid as Grid };
  }

  async *#answer(messages: readonly Message[], options: AskOptions): AsyncGenerator<Piece, Result> {
    this.#alive();
    const clock = stopwatch();
    const prepared = await prepare(messages, options.signal);
    const { ids, patches } = this.#promptOf(prepared, options);
    const process = clock();
    const { prompt, all, kept } = await this.#encode(ids, prepared, patches, options);
    const encode = clock();
    if (prompt.ids.length >= this.contextLength)
      throw new EngineError(
        "prompt-too-long",
        `the prompt has ${prompt.ids.length} tokens, the model takes ${this.contextLength - 1}; ask with fewer or smaller pictures, or less text`,
      );
    const told = yield* this.#tell(prompt, options, clock);
    for (const part of prompt.visual?.parts ?? []) part.dispose();
    return {
      ...told.result,
      promptTokens: prompt.ids.length,
      visualTokens: { all, kept },
      timings: { process, encode, ...told.timings },
    };
  }

  #promptOf(
    { conversation, visuals }: Prepared,
    options: AskOptions,
  ): { ids: readonly number[]; patches: readonly Patches[] } {
    const { preprocessor, tokenizer, template, imageToken } = this.#checkpoint;
    const merge = options.merge ?? (visuals.some((v) => v.kind === "video") ? 2 : 1);
    const patches = preprocess(
      visuals.map(({ frames }) => ({ frames, merge })),
      preprocessor,
      patchOptions(options),
    );
    const said = conversation.some(({ content }) =>
      typeof content === "string" ? content !== "" : content.some((p) => p.type !== "text" || p.text !== ""),
    );
    if (!said)
      throw new EngineError("prompt-empty", "the conversation says nothing; give a text, a picture or a volume");
    const { ids } = encodePrompt(conversation, tokenizer, {
      template,
      visuals: patches,
      imageToken: imageToken.text,
      addGenerationPrompt: true,
      addSystemPrompt: options.systemPrompt ?? visuals.length > 0,
      ...(options.templateVariables && { variables: options.templateVariables }),
    });
    return { ids, patches };
  }

  async #encode(ids: readonly number[], { visuals }: Prepared, patches: readonly Patches[], options: AskOptions) {
    const masks: Uint8Array[] = [];
    const parts: Tensor[] = [];
    for (const [i, item] of patches.entries()) {
      const prune = visuals[i]?.kind === "video" && item.grid[0] > 1 ? this.#pruneOptions(options) : undefined;
      const { visual, keep } = await encodeItem(this.#compiled, item, { prune, signal: options.signal });
      parts.push(...visual);
      masks.push(keep);
    }
    const keep = Uint8Array.from(masks.flatMap((m) => [...m]));
    const spliced = spliceVisual(ids, this.#checkpoint.imageToken.id, keep);
    const prompt: Prompt = { ids: spliced.ids, visual: { parts, index: spliced.index } };
    return { prompt, all: keep.length, kept: keep.reduce((n, k) => n + k, 0) };
  }

  #pruneOptions({ prune }: AskOptions): PruneOptions {
    if (typeof prune === "object") return prune;
    return { rule: prune ?? (this.config.tokenCompression ? "released" : "off") };
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

  /** Free the weights and everything else that the backend holds. */
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

/** From ids to pieces of text: decoded, ended at stop strings, thinking told from the answer. */
class TextOut {
  readonly #decoder;
  readonly #stops: StopStrings;
  readonly #split;
  readonly #mode: "apart" | "hidden" | "inline";
  #raw = "";
  #answer = "";
  thinking = "";

  constructor(tokenizer: Tokenizer, stop: readonly string[], mode: "apart" | "hidden" | "inline") {
    this.#decoder = tokenizer.stream({ skipSpecial: true });
    this.#stops = new StopStrings(stop);
    this.#split = thinkSplitter();
    this.#mode = mode;
  }
  get stopped(): boolean {
    return this.#stops.stopped;
  }
  get text(): string {
    return this.#mode === "hidden" ? removeThinking(this.#raw) : this.#answer;
  }

  push(id: number): Piece[] {
    return this.#give(this.#stops.push(this.#decoder.push(id)));
  }
  end(): Piece[] {
    const rest = this.#stops.push(this.#decoder.end()) + this.#stops.end();
    return [...this.#give(rest), ...(this.#mode === "inline" ? [] : this.#keep(this.#split.end()))];
  }

  #give(text: string): Piece[] {
    this.#raw += text;
    return this.#keep(
      this.#mode === "inline" ? (text === "" ? [] : [{ kind: "answer", text }]) : this.#split.push(text),
    );
  }
  #keep(pieces: readonly Piece[]): Piece[] {
    const shown = pieces.filter(({ kind }) => kind === "answer" || this.#mode !== "hidden");
    for (const { kind, text } of shown) {
      if (kind === "answer") this.#answer += text;
      else this.thinking += text;
    }
    return shown;
  }
}

/** The options that were set; those left out do not hide the checkpoint's own. */
const given = (options: AskOptions): SamplingOptions => {
  const { temperature, topK, topP, repetitionPenalty, seed, processLogits } = options;
  return Object.fromEntries(
    Object.entries({ temperature, topK, topP, repetitionPenalty, seed, processLogits }).filter(
      ([, v]) => v !== undefined,
    ),
  );
};

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
