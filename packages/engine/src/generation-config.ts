import type { SamplingOptions } from "@hulu/core";
import type { Tokenizer } from "@hulu/processor";
import { EngineError } from "./error.js";

/** What a checkpoint says about generation. */
export interface GenerationDefaults
  extends Pick<SamplingOptions, "temperature" | "topK" | "topP" | "repetitionPenalty"> {
  readonly stopTokens: readonly number[];
}

const END = "<|im_end|>";

/**
 * Read a generation_config.json. Sampling values count only where it says `do_sample`; without it generation is greedy.
 * An answer ends at any end token that this file, config.json or the tokenizer knows, and at `<|im_end|>`.
 */
export function parseGenerationConfig(
  json: unknown,
  configEos: readonly number[],
  tokenizer: Tokenizer,
  tokenizerConfig: unknown,
): GenerationDefaults {
  if (json !== undefined && (typeof json !== "object" || json === null || Array.isArray(json)))
    throw new EngineError("json-invalid", "generation_config.json must be an object");
  const fields = new Map<string, unknown>(Object.entries(json ?? {}));
  const number = (key: string, fits: (n: number) => boolean, range: string): number | undefined => {
    const value = fields.get(key) ?? undefined;
    if (value === undefined || (typeof value === "number" && Number.isFinite(value) && fits(value))) return value;
    throw new EngineError("json-invalid", `generation_config.json: ${key} must be ${range}`);
  };
  const sampling = fields.get("do_sample") === true;
  const temperature = number("temperature", (t) => t >= 0, "a number of at least 0");
  // 0 switches it off.
  const topK = number("top_k", (k) => Number.isSafeInteger(k) && k >= 0, "a whole number of at least 0");
  const topP = number("top_p", (p) => p > 0 && p <= 1, "above 0 and at most 1");
  return {
    temperature: sampling ? (temperature ?? 1) : 0,
    topK: sampling && topK !== 0 ? topK : undefined,
    topP: sampling ? topP : undefined,
    repetitionPenalty: number("repetition_penalty", (r) => r > 0, "a number above 0"),
    stopTokens: stopTokens(fields.get("eos_token_id"), configEos, tokenizer, tokenizerConfig),
  };
}

function stopTokens(
  eos: unknown,
  configEos: readonly number[],
  tokenizer: Tokenizer,
  tokenizerConfig: unknown,
): readonly number[] {
  const listed = endTokens(eos);
  const name =
    typeof tokenizerConfig === "object" && tokenizerConfig !== null && "eos_token" in tokenizerConfig
      ? tokenizerConfig.eos_token
      : undefined;
  const named = [END, ...(typeof name === "string" ? [name] : [])].map((token) => tokenizer.idOf(token));
  return [...new Set([...listed, ...configEos, ...named.filter((id) => id !== undefined)])];
}

const MOST_END_TOKENS = 1024;

function endTokens(eos: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(eos) ? eos : eos === undefined || eos === null ? [] : [eos];
  const ids = list.filter((id): id is number => typeof id === "number" && Number.isSafeInteger(id));
  if (ids.length === list.length && ids.length <= MOST_END_TOKENS) return ids;
  throw new EngineError(
    "json-invalid",
    `generation_config.json: eos_token_id must be a token id or a list of at most ${MOST_END_TOKENS}`,
  );
}
