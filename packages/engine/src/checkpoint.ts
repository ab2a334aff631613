import {
  type CheckpointModel,
  modelFromCheckpoint,
  sees,
  type TextCheckpoint,
  type VlmCheckpoint,
  type VlmConfig,
} from "@hulu/core";
import {
  type ChatTemplate,
  createTokenizer,
  huluMedTemplate,
  jinjaTemplate,
  type PreprocessorConfig,
  parsePreprocessorConfig,
  type Tokenizer,
} from "@hulu/processor";
import type { Checkpoint } from "@hulu/safetensors";
import { EngineError } from "./error.js";
import { type CheckpointSource, type Files, inside, MIB, needJson, readJson } from "./files.js";
import { type GenerationDefaults, parseGenerationConfig } from "./generation-config.js";
import { locate, type OpenOptions } from "./source.js";
import { type TextWatch, watched } from "./text-watch.js";

interface Opened {
  readonly stored: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** The special tokens by the names that chat templates have for them: `bos_token`, `eos_token`. */
  readonly templateVariables: Readonly<Record<string, string>>;
  readonly generation: GenerationDefaults;
}
export interface LoadedVlm extends Opened, VlmCheckpoint {
  readonly preprocessor: PreprocessorConfig;
  readonly imageToken: { readonly id: number; readonly text: string };
}
/** A language model, which takes no pictures. */
export interface LoadedText extends Opened, TextCheckpoint {
  readonly preprocessor: undefined;
  readonly imageToken: undefined;
}
/** Everything that a checkpoint's folder says, checked; of the weights only the headers are read. */
export type LoadedCheckpoint = LoadedVlm | LoadedText;

const SMALL = 4 * MIB;
/** The largest published ones have 34 MB. */
const TOKENIZER = 48 * MIB;

/**
 * Open a checkpoint and check it. A source of another machine is fetched first, or, with `ranges`, left there.
 * @param watch told when the tokenizer is made, which is work on texts that a stranger wrote
 */
export async function openModel(
  source: CheckpointSource,
  options: OpenOptions = {},
  watch: TextWatch = () => {},
): Promise<LoadedCheckpoint> {
  const { files, open } = await locate(source, options);
  const json = await needJson(files, "config.json", SMALL);
  const vision = await visionFolder(files, json);
  const stored = await open();
  try {
    const checkpoint = modelFromCheckpoint(json, stored, vision.config);
    const texts = await readTexts(files, checkpoint, watch);
    if (!sees(checkpoint)) return { ...checkpoint, stored, ...texts, preprocessor: undefined, imageToken: undefined };
    const preprocessorJson = (await readJson(files, "preprocessor_config.json", SMALL)) ?? vision.preprocessor;
    const preprocessor = parsePreprocessorConfig(preprocessorJson ?? unsaid(checkpoint));
    checkPatch(preprocessor, checkpoint);
    return {
      ...checkpoint,
      stored,
      ...texts,
      preprocessor,
      imageToken: imageToken(texts.tokenizer, checkpoint.config),
    };
  } catch (error) {
    await stored.close();
    throw error;
  }
}

/** What goes for pictures where no preprocessor_config.json does: the encoder's patches, and the layout's mean and deviation. */
const unsaid = ({ config, layout }: VlmCheckpoint) => ({
  patch_size: config.vision.patch,
  ...(layout === "video_llama_3" && { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] }),
});

/** The tokenizer, the chat template and the settings of generation. */
async function readTexts(files: Files, { config }: CheckpointModel, watch: TextWatch) {
  const tokenizerConfig = (await readJson(files, "tokenizer_config.json", SMALL)) ?? {};
  const tokenizerJson = await needJson(files, "tokenizer.json", TOKENIZER);
  checkIds(tokenizerJson, config.decoder.vocab);
  const tokenizer = watched(watch, () => probed(createTokenizer(tokenizerJson, tokenizerConfig)));
  const template = await chatTemplate(files, tokenizerConfig, watch);
  if (template === huluMedTemplate) checkChatTokens(tokenizer);
  const generationJson = await readJson(files, "generation_config.json", SMALL);
  return {
    tokenizer,
    template,
    templateVariables: specialTokens(tokenizerConfig),
    generation: parseGenerationConfig(generationJson, config.eosTokens, tokenizer, tokenizerConfig),
  };
}

/** What transformers gives a template beside the messages; each stands in tokenizer_config.json as a text or as an added token. */
function specialTokens(tokenizerConfig: unknown): Readonly<Record<string, string>> {
  const fields = new Map(Object.entries(tokenizerConfig ?? {}));
  return Object.fromEntries(
    ["bos_token", "eos_token", "unk_token", "pad_token"].flatMap((name) => {
      const token: unknown = fields.get(name);
      const text = typeof token === "object" && token !== null && "content" in token ? token.content : token;
      return typeof text === "string" ? [[name, text]] : [];
    }),
  );
}

/** In the original layout the encoder's own folder has its config and preprocessor files. */
async function visionFolder(files: Files, json: unknown): Promise<{ config?: unknown; preprocessor?: unknown }> {
  const config = json as {
    readonly mm_vision_encoder?: unknown;
    readonly vision_encoder?: unknown;
    readonly vision_encoder_config?: unknown;
  } | null;
  if (config === null || typeof config !== "object" || config.vision_encoder_config != null) return {};
  const field = config.mm_vision_encoder != null ? "mm_vision_encoder" : "vision_encoder";
  const path = config[field];
  if (typeof path !== "string") return {};
  const name = inside(path, field);
  return {
    config: await readJson(files, `${name}/config.json`, SMALL),
    preprocessor: await readJson(files, `${name}/preprocessor_config.json`, SMALL),
  };
}

/** A checkpoint's own template wins: a file beside it, or a field of tokenizer_config.json; else the family's. */
async function chatTemplate(files: Files, tokenizerConfig: unknown, watch: TextWatch): Promise<ChatTemplate> {
  const parsed = (text: string) => watched(watch, () => jinjaTemplate(text));
  const file = await files.text("chat_template.jinja", SMALL);
  if (file !== undefined) return parsed(file);
  for (const json of [await readJson(files, "chat_template.json", SMALL), tokenizerConfig]) {
    const source =
      typeof json === "object" && json !== null && "chat_template" in json ? json.chat_template : undefined;
    if (typeof source === "string") return parsed(source);
    if (Array.isArray(source)) {
      const named = source.find(
        (t: unknown) => typeof t === "object" && t !== null && "name" in t && t.name === "default",
      );
      if (typeof named?.template === "string") return parsed(named.template);
    }
  }
  return huluMedTemplate;
}

function checkPatch(preprocessor: PreprocessorConfig, { config }: VlmCheckpoint): void {
  if (preprocessor.patchSize !== config.vision.patch)
    throw new EngineError(
      "json-invalid",
      `preprocessor_config.json cuts patches of ${preprocessor.patchSize} pixels, the vision encoder takes ${config.vision.patch}`,
    );
}

/** Text that every tokenizer of a language model gives back as it was. */
const PROBE = "Is it pneumonia?";

const otherTokenizer = (what: string) =>
  new EngineError("tokenizer-mismatch", `tokenizer.json ${what}: it is another model's tokenizer, or none`);

/** Pairs that make one and the same word: published tokenizers have some two for each. */
const MERGES_PER_ROW = 16;

/** Before the tokenizer is made: one that is too large for the model may be too large for the machine. */
function checkIds(json: unknown, rows: number): void {
  const { model, added_tokens } = (json ?? {}) as {
    readonly model?: { readonly vocab?: unknown; readonly merges?: unknown } | null;
    readonly added_tokens?: unknown;
  };
  let most = -1;
  const see = (id: unknown) => {
    if (typeof id === "number" && id > most) most = id;
  };
  const words = Object.values(model?.vocab ?? {});
  for (const id of words) see(id);
  const added: readonly { readonly id?: unknown }[] = Array.isArray(added_tokens) ? added_tokens : [];
  for (const token of added) see(token?.id);
  if (most >= rows) throw otherTokenizer(`has ids up to ${most}, the model has ${rows} rows`);
  // Where many have one id.
  const count = Math.max(words.length, added.length);
  if (count > rows) throw otherTokenizer(`has ${count} tokens, the model has ${rows} rows`);
  const merges = Array.isArray(model?.merges) ? model.merges.length : 0;
  if (merges > rows * MERGES_PER_ROW) throw otherTokenizer(`has ${merges} merges, the model has ${rows} rows`);
}

function probed(tokenizer: Tokenizer): Tokenizer {
  if (tokenizer.decode(tokenizer.encode(PROBE)).trim() === PROBE) return tokenizer;
  throw otherTokenizer("does not give back the words it is given");
}

/** What the family's own template is made of must be tokens, or a conversation would be spelled out. */
function checkChatTokens(tokenizer: Tokenizer): void {
  const missing = ["<|im_start|>", "<|im_end|>"].filter(
    (token) => !tokenizer.addedTokens.some((t) => t.content === token),
  );
  if (missing.length > 0)
    throw new EngineError(
      "tokenizer-mismatch",
      `tokenizer.json has no ${missing.join(" and no ")}, which the chat is made of where a checkpoint has no chat template: it is another model's tokenizer, or the template is missing`,
    );
}

const IMAGE = "<image>";

function imageToken(tokenizer: Tokenizer, { imageToken: configured }: VlmConfig): LoadedVlm["imageToken"] {
  const id = configured ?? tokenizer.idOf(IMAGE);
  const text = id === undefined ? undefined : tokenizer.tokenOf(id);
  if (id === undefined || text === undefined)
    throw new EngineError(
      "image-token",
      configured === undefined
        ? `neither config.json's image_token_index nor a token ${IMAGE} in tokenizer.json says what stands for a picture`
        : `config.json's image_token_index is ${configured}, which tokenizer.json does not have`,
    );
  if (!tokenizer.addedTokens.some((t) => t.id === id))
    throw new EngineError(
      "image-token",
      `token ${id}, which config.json has for pictures, is an ordinary word of tokenizer.json, not an added token`,
    );
  return { id, text };
}
