import type { Feed, Session, Tensor } from "../backend.js";
import type { Compiled } from "../compile.js";
import type { textPrograms } from "../models/vlm.js";
import { hostI32 } from "../tensor.js";
import { GenerationError, type SamplingOptions, sampler } from "./sample.js";

export type TextModel = Pick<Compiled<ReturnType<typeof textPrograms>>, "run" | "createSession">;

/** A prompt whose visual tokens, if any, are already projected. */
export interface Prompt {
  readonly ids: Int32Array;
  /** The visual rows, in parts of `[row, embed]`, and for each id its row or -1. */
  readonly visual?: { readonly parts: readonly Tensor[]; readonly index: Int32Array };
}

export interface GenerateOptions extends SamplingOptions {
  /** The most tokens to generate; 2048 unless given. */
  readonly maxTokens?: number | undefined;
  /** Token ids that end the answer; the one that did is the last that is given. */
  readonly stopTokens?: readonly number[] | undefined;
  /** How many positions of the prompt go through the decoder at once. */
  readonly prefillChunk?: number | undefined;
  /** How many positions of the prompt the session holds already at its end: they are not run again. 0 unless given. */
  readonly held?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was generated: a token, and the logits it was chosen from. */
export interface Generated {
  readonly id: number;
  readonly logits: Float32Array;
}

/**
 * Prefill the prompt behind what the session holds, then give one token after another. Logits are computed for the last
 * position only. Leaving the loop early leaves the session at the last position that was run.
 * @throws GenerationError for an empty prompt or an option out of its range
 */
export async function* generate(
  model: TextModel,
  session: Session,
  prompt: Prompt,
  options: GenerateOptions = {},
): AsyncGenerator<Generated> {
  const { maxTokens = 2048, stopTokens = [], signal } = options;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 0)
    throw new GenerationError(`maxTokens is ${maxTokens}; it must be a whole number of at least 0`);
  const choose = sampler(options);
  const ids = [...prompt.ids];
  const generated: number[] = [];
  let logits = await prefill(model, session, prompt, options);
  for (let n = 0; n < maxTokens; n++) {
    const id = choose(logits, { ids, generated });
    ids.push(id);
    generated.push(id);
    yield { id, logits };
    if (stopTokens.includes(id) || n + 1 === maxTokens) return;
    signal?.throwIfAborted();
    const { embeds } = await model.run("embed", { ids: hostI32([id], [1, 1]) });
    try {
      logits = await step(model, session, embeds, [0], signal);
    } finally {
      embeds.dispose();
    }
  }
}

/**
 * Run a prompt through the decoder.
 * @returns the logits of its last position, `[vocab]`
 */
export async function prefill(
  model: TextModel,
  session: Session,
  { ids, visual }: Prompt,
  { prefillChunk = 1024, held = 0, signal }: GenerateOptions = {},
): Promise<Float32Array> {
  if (ids.length === 0) throw new GenerationError("the prompt is empty");
  if (!Number.isSafeInteger(prefillChunk) || prefillChunk < 1)
    throw new GenerationError(`prefillChunk is ${prefillChunk}; it must be a whole number of at least 1`);
  if (!Number.isSafeInteger(held) || held < 0 || held >= ids.length)
    throw new GenerationError(
      `held is ${held}; of ${ids.length} positions the last must be run, so it must be a whole number from 0 to ${ids.length - 1}`,
    );
  let logits = new Float32Array(0);
  for (let start = held; start < ids.length; start += prefillChunk) {
    signal?.throwIfAborted();
    const part = ids.subarray(start, start + prefillChunk);
    const { embeds } = await embed(model, part, visual, start);
    const last = start + prefillChunk >= ids.length;
    try {
      logits = await step(model, session, embeds, last ? [part.length - 1] : [], signal);
    } finally {
      embeds.dispose();
    }
  }
  return logits;
}

/** Embed a stretch of the prompt; only the parts whose visual rows stand in it are fed, and none is read back. */
async function embed(model: TextModel, ids: Int32Array, visual: Prompt["visual"], start: number) {
  const shape = [1, ids.length];
  const index = visual?.index.subarray(start, start + ids.length) ?? new Int32Array(0);
  const wanted = new Set(index);
  const parts: Tensor[] = [];
  let [offset, row] = [0, 0];
  for (const part of visual?.parts ?? []) {
    const rows = part.shape[0] ?? 0;
    const used = Array.from({ length: rows }, (_, i) => row + i).some((i) => wanted.has(i));
    if (used) parts.push(part);
    else if (parts.length === 0) offset = row + rows;
    else break;
    row += rows;
  }
  if (parts.length === 0) return model.run("embed", { ids: hostI32(ids, shape) });
  const local = index.map((i) => (i < 0 ? -1 : i - offset));
  return model.run("embedVisual", { ids: hostI32(ids, shape), visual: parts, index: hostI32(local, shape) });
}

async function step(
  model: TextModel,
  session: Session,
  embeds: Feed,
  pick: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const result = await model.run(
    "step",
    { embeds, pick: hostI32(pick) },
    signal === undefined ? { session } : { session, signal },
  );
  try {
    return Float32Array.from(await result.logits.read());
  } finally {
    result.logits.dispose();
  }
}
