import {
  type Backend,
  type Env,
  type MemoryEstimate,
  modelPrograms,
  PATCHES_AT_ONCE,
  SESSION_STEP,
  type WeightSource,
} from "@hulu/core";
import { bytesPerElement } from "@hulu/safetensors";
import { type LoadedCheckpoint, openModel } from "./checkpoint.js";
import { EngineError } from "./error.js";
import type { CheckpointSource } from "./files.js";
import { isFetched, type OpenOptions } from "./source.js";

/** What is going to be asked of a model. */
export interface MemoryOptions {
  /** The most positions of a conversation; the checkpoint's own limit unless given. */
  readonly contextLength?: number | undefined;
  /**
   * The most patches of a picture or frame, 0 for no pictures; as many as the checkpoint's preprocessor and
   * `contextLength` allow unless given. A picture of h x w pixels has (h / patch) x (w / patch), with patches of mostly 14 or 16 pixels.
   */
  readonly patches?: number | undefined;
  /** Weights that lie elsewhere now will lie in local files when the model is loaded. */
  readonly onDisk?: boolean | undefined;
}

/** An estimate, and what it is for. */
export interface ModelMemory extends MemoryEstimate {
  readonly contextLength: number;
  readonly patches: number;
}

/** How many positions of a prompt go through the decoder at once. */
const PREFILL = 1024;

/**
 * How much memory a model will take: from config.json, the tokenizer and the headers of the weights, of which not a byte is
 * read, nor fetched: what lies elsewhere is estimated as it will be when it is here. One conversation at a time; each
 * further one adds `session`.
 * @returns bytes by which the process grows from before loading
 * @throws what `load` throws for files that are missing or wrong
 */
export async function estimateMemory(
  source: CheckpointSource,
  options: MemoryOptions & OpenOptions & { readonly backend: Backend },
): Promise<ModelMemory> {
  const checkpoint = await openModel(source, { ranges: true, ...options });
  try {
    const { ranges = false } = options;
    return memoryOf(checkpoint, options.backend, { ...options, onDisk: typeof source === "string" && !ranges });
  } finally {
    await checkpoint.stored.close();
  }
}

/** The same for a checkpoint that is open. */
export function memoryOf(checkpoint: LoadedCheckpoint, backend: Backend, options: MemoryOptions = {}): ModelMemory {
  const { model, weights, config, preprocessor } = checkpoint;
  const contextLength = Math.min(options.contextLength ?? Number.POSITIVE_INFINITY, config.maxPositions);
  // A patch is a token at least, unless a merge size is asked for, and a token is a position.
  const most = preprocessor === undefined ? 0 : Math.min(preprocessor.maxTokens, contextLength);
  const patches = preprocessor === undefined ? 0 : (options.patches ?? most);
  const there = options.onDisk ? onDisk(weights) : weights;
  const estimate = backend.estimate(modelPrograms(model), there, worstRun(contextLength, patches));
  return { ...estimate, contextLength, patches };
}

/** The same weights as if each lay in a local file. */
function onDisk(weights: WeightSource): WeightSource {
  const length = (path: string) => {
    const { dtype, shape } = weights.info(path) ?? { dtype: "U8", shape: [] };
    return shape.reduce((n, d) => n * d, bytesPerElement(dtype));
  };
  return {
    keys: () => weights.keys(),
    info: (path) => weights.info(path),
    read: (path, options) => weights.read(path, options),
    floats: (path, options) => weights.floats(path, options),
    locate: (path) => weights.locate?.(path) ?? { file: "/", offset: 0, length: length(path) },
  };
}

/** Every size at its most. Small frames go through the encoder together; a large one is never split. */
function worstRun(contextLength: number, patches: number): Env {
  const token = patches === 0 ? 0 : Math.max(patches, Math.min(PATCHES_AT_ONCE, contextLength));
  const row = Math.min(contextLength, token);
  const seq = Math.min(PREFILL, contextLength);
  return { past: contextLength, seq, batch: 1, pick: 1, frame: 1, window: 1, token, row, kept: row };
}

/**
 * Refuse a model that is too large.
 * @param limit bytes
 * @throws EngineError `memory-exceeded` that says what takes how much, and which `contextLength` would fit if one does
 */
export function checkMemory(
  checkpoint: LoadedCheckpoint,
  backend: Backend,
  limit: number,
  options: MemoryOptions,
): void {
  const memory = memoryOf(checkpoint, backend, options);
  if (memory.peak <= limit) return;
  const fits = longest(
    memory.contextLength,
    (contextLength) => memoryOf(checkpoint, backend, { ...options, contextLength }).peak <= limit,
  );
  const { weights, loading, session, work, fixed, contextLength } = memory;
  const runs =
    Math.max(loading, session + work) === loading
      ? `${formatBytes(loading)} while loading`
      : `${formatBytes(session)} for ${contextLength} positions, ${formatBytes(work)} for the runs`;
  throw new EngineError(
    "memory-exceeded",
    `the model needs ${formatBytes(memory.peak)}, the limit is ${formatBytes(limit)}: ${formatBytes(weights)} for the weights, ${runs}, ${formatBytes(fixed)} for the runtime; ${fits === undefined ? "no shorter contextLength fits" : `a contextLength of ${fits} fits`}`,
  );
}

/** The same before a checkpoint of elsewhere is fetched; of one that is here nothing is looked at yet. */
export async function checkBeforeFetch(
  source: CheckpointSource,
  backend: Backend,
  limit: number,
  options: MemoryOptions & OpenOptions,
): Promise<void> {
  if (!isFetched(source, options)) return;
  const checkpoint = await openModel(source, { ...options, ranges: true });
  try {
    checkMemory(checkpoint, backend, limit, { ...options, onDisk: true });
  } finally {
    await checkpoint.stored.close();
  }
}

/** The longest context that fits, shorter than `most`; storage grows in steps, and nothing between them makes a difference. */
function longest(most: number, fits: (contextLength: number) => boolean): number | undefined {
  let [low, high] = [0, Math.ceil(most / SESSION_STEP)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle * SESSION_STEP)) low = middle;
    else high = middle;
  }
  return low === 0 ? undefined : low * SESSION_STEP;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** As people read it: 1.94 GB, of 1000 bytes to a kB. */
export function formatBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${UNITS[power]}`;
}
