import { ProcessorError } from "./errors.js";

/** What `preprocessor_config.json` says, defaults filled in. */
export interface PreprocessorConfig {
  /** Pixels per side of a patch. */
  readonly patchSize: number;
  readonly minTokens: number;
  readonly maxTokens: number;
  /** Per channel, of pixel values in 0..1. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** What a byte is multiplied by; 1/255. */
  readonly rescaleFactor: number;
}

/** The released image processor's own defaults: CLIP's mean and standard deviation, patch 14. */
export const DEFAULT_CONFIG: PreprocessorConfig = Object.freeze({
  patchSize: 14,
  minTokens: 16,
  maxTokens: 16384,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
  rescaleFactor: 1 / 255,
} as const);

const MAX_PATCH = 256;
/** Every picture is enlarged to the least number of tokens, so that alone sets what the smallest picture costs. */
const MAX_MIN_TOKENS = 4096;
const MAX_TOKENS = 2 ** 20;

/**
 * Reads the parsed JSON of `preprocessor_config.json`. Absent and null values take {@link DEFAULT_CONFIG}, unknown ones are ignored.
 * @throws ProcessorError `config-invalid` (a value of the wrong kind or range), `config-unsupported` (a step switched off,
 *   another resampling filter than bicubic).
 */
export function parsePreprocessorConfig(json: unknown): PreprocessorConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ProcessorError("config-invalid", "preprocessor_config.json: must be an object");
  }
  const at = new Map<string, unknown>(Object.entries(json).filter(([, v]) => v !== null && v !== undefined));
  for (const key of ["do_convert_rgb", "do_resize", "do_rescale", "do_normalize"]) {
    if (at.has(key) && at.get(key) !== true) {
      throw new ProcessorError("config-unsupported", `preprocessor_config.json: ${key} must be true`);
    }
  }
  if (at.has("resample") && at.get("resample") !== 3) {
    throw new ProcessorError("config-unsupported", "preprocessor_config.json: resample must be 3 (bicubic)");
  }
  const config = {
    patchSize: integer(at, "patch_size", DEFAULT_CONFIG.patchSize, MAX_PATCH),
    minTokens: integer(at, "min_tokens", DEFAULT_CONFIG.minTokens, MAX_MIN_TOKENS),
    maxTokens: integer(at, "max_tokens", DEFAULT_CONFIG.maxTokens, MAX_TOKENS),
    mean: triple(at, "image_mean", DEFAULT_CONFIG.mean, () => true, "finite numbers"),
    std: triple(at, "image_std", DEFAULT_CONFIG.std, (v) => Math.fround(v) > 0, "positive numbers"),
    rescaleFactor: factor(at),
  };
  if (config.minTokens > config.maxTokens) {
    throw new ProcessorError("config-invalid", "preprocessor_config.json: min_tokens is over max_tokens");
  }
  return config;
}

function integer(at: ReadonlyMap<string, unknown>, key: string, fallback: number, most: number): number {
  const value = at.get(key) ?? fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new ProcessorError(
    "config-invalid",
    `preprocessor_config.json: ${key} must be a positive integer of at most ${most}`,
  );
}

function factor(at: ReadonlyMap<string, unknown>): number {
  const value = at.get("rescale_factor") ?? DEFAULT_CONFIG.rescaleFactor;
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw new ProcessorError("config-invalid", "preprocessor_config.json: rescale_factor must be a positive number");
}

function triple(
  at: ReadonlyMap<string, unknown>,
  key: string,
  fallback: readonly [number, number, number],
  good: (v: number) => boolean,
  expected: string,
): readonly [number, number, number] {
  const value = at.get(key) ?? fallback;
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const numbers = list.filter((v): v is number => typeof v === "number" && Number.isFinite(v) && good(v));
  const [r, g, b] = numbers;
  if (list.length === 3 && r !== undefined && g !== undefined && b !== undefined) return [r, g, b];
  throw new ProcessorError("config-invalid", `preprocessor_config.json: ${key} must be 3 ${expected}`);
}
