import type { DecoderConfig } from "./decoder.js";
import type { VitConfig } from "./vit.js";

const shared = { headDim: 128, kvHeads: 8, ropeTheta: 1e6, eps: 1e-6, outBias: false } as const;
const qwen2 = { ...shared, family: "qwen2", vocab: 152064, qkvBias: true, qkNorm: false, tied: false } as const;
const qwen3 = { ...shared, family: "qwen3", vocab: 151936, qkvBias: false, qkNorm: true } as const;

/** The published sizes of Hulu-Med's decoders. A checkpoint's own config.json is always the authority. */
export const decoderPresets = {
  "4B": { ...qwen3, layers: 36, embed: 2560, heads: 32, hidden: 9728, tied: true },
  "7B": { ...qwen2, layers: 28, embed: 3584, heads: 28, kvHeads: 4, hidden: 18944 },
  "14B": { ...qwen3, layers: 40, embed: 5120, heads: 40, hidden: 17408, tied: false },
  "32B": { ...qwen2, layers: 64, embed: 5120, heads: 40, hidden: 27648 },
} as const satisfies Readonly<Record<string, DecoderConfig>>;
export type PresetName = keyof typeof decoderPresets;

/** The vision encoder that all of them have. */
export const visionPreset = {
  width: 1152,
  layers: 27,
  heads: 16,
  hidden: 4304,
  channels: 3,
  patch: 16,
  eps: 1e-6,
  ropeTheta: 10_000,
  pairing: "half",
} as const satisfies VitConfig;
