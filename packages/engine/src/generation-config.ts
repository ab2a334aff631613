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
  if (json !== undefined && (typeof json !== "object" || json === null))
    throw new EngineError("json-invalid", "generation_config.json must be an object");
  const fields = new Map<string, unknown>(Object.entries(json ?? {}));
  const number = (key: string): number | undefined => {
    const value = fields.get(key) ?? undefined;
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw new EngineError("json-invalid", `generation_config.json: ${key} must be a finite number`);
  };
  const sampling = fields.get("do_sample") === true;
  const topK = number("top_k");
  return {
    temperature: sampling ? (number("temperature") ?? 1) : 0,
    topK: sampling && topK !== undefined && topK > 0 ? topK : undefined,
    topP: sampling ? number("top_p") : undefined,
    repetitionPenalty: number("repetition_penalty"),
    stopTokens: stopTokens(fields.get("eos_token_id"), configEos, tokenizer, tokenizerConfig),
  };
}

function stopTokens(
  eos: unknown,
  configEos: readonly number[],
  tokenizer: Tokenizer,
  tokenizerConfig: unknown,
): readonly number[] {
  const listed = (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => Number.isSafeInteger(id));
  const name =
    typeof tokenizerConfig === "object" && tokenizerConfig !== null && "eos_token" in tokenizerConfig
      ? tokenizerConfig.eos_token
      : undefined;
  const named = [END, ...(typeof name === "string" ? [name] : [])].map((token) => tokenizer.idOf(token));
  return [...new Set([...listed, ...configEos, ...named.filter((id) => id !== undefined)])];
}
