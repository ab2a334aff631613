import { type Backend, type ModelConfig, pruneRules, sampler } from "@hulu/core";
import { type AskOptions, type PromptOptions, samplingOf } from "./ask-options.js";
import { checkMessages, checkVision, isCounted, isObject, saysAnything, shown } from "./check-messages.js";
import type { Message } from "./content.js";
import type { ConverseOptions } from "./conversation.js";
import { EngineError } from "./error.js";
import type { LoadOptions } from "./load.js";
import { thinkingModes } from "./text-out.js";

// Options are checked by hand, like messages.

type Fits = (value: unknown) => boolean;
const oneOf = (names: readonly string[]): readonly [Fits, string] => [
  (v) => names.includes(v as string),
  names.join(", "),
];
const isNumber: readonly [Fits, string] = [(v) => typeof v === "number", "a number"];
const isCount: readonly [Fits, string] = [isCounted, "a whole number of at least 1"];
const isFunction: readonly [Fits, string] = [(v) => typeof v === "function", "a function"];
const isText: readonly [Fits, string] = [(v) => typeof v === "string" && v !== "", "a text"];
const isSwitch: readonly [Fits, string] = [(v) => typeof v === "boolean", "true or false"];
const isSignal: readonly [Fits, string] = [(v) => v instanceof AbortSignal, "an AbortSignal"];

type Known<Options> = Readonly<Record<keyof Options, readonly [Fits, string]>>;

const promptOptions: Known<PromptOptions> = {
  prune: [
    (v) => pruneRules.includes(v as never) || (isObject(v) && pruneRules.includes(v.rule as never)),
    `${pruneRules.join(", ")}, or { rule, threshold, minTokens }`,
  ],
  merge: isCount,
  aspect: oneOf(["true", "transposed"]),
  passOrder: oneOf(["pillow13", "pillow12"]),
  systemPrompt: isSwitch,
  templateVariables: [isObject, "an object"],
  signal: isSignal,
};

/** What each option of `ask` may be; ranges of sampling and pruning are checked where they are used. */
const askOptions: Known<AskOptions> = {
  maxTokens: isCount,
  temperature: isNumber,
  topK: isNumber,
  topP: isNumber,
  repetitionPenalty: isNumber,
  seed: isNumber,
  processLogits: isFunction,
  stop: [(v) => Array.isArray(v) && v.every((s) => typeof s === "string"), "a list of strings"],
  thinking: oneOf(thinkingModes),
  ...promptOptions,
};

const loadOptions: Known<LoadOptions> = {
  worker: [(v) => typeof v === "boolean" || typeof v === "function", "true, false, or a function that starts a worker"],
  textTimeLimit: isCount,
  backend: [isBackend, "a backend, such as `onnx` of @hulu/backend-onnx"],
  signal: isSignal,
  onProgress: isFunction,
  contextLength: isCount,
  maxMemory: isCount,
  patches: [(v) => Number.isSafeInteger(v) && (v as number) >= 0, "a whole number of at least 0"],
  cache: isText,
  offline: isSwitch,
  allowHttp: isSwitch,
  token: isText,
  ranges: isSwitch,
  onDownload: isFunction,
};

function isBackend(x: unknown): x is Backend {
  return isObject(x) && ["supports", "estimate", "compile"].every((member) => typeof x[member] === "function");
}

function checkOptions(options: unknown, known: Readonly<Record<string, readonly [Fits, string]>>, where: string): void {
  if (!isObject(options))
    throw new EngineError("option-invalid", `the options of ${where} are ${shown(options)}; they must be an object`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name))
      throw new EngineError(
        "option-invalid",
        `${where} has no option ${name.slice(0, 40)}; it has ${Object.keys(known).join(", ")}`,
      );
    const [fits, right] = known[name] as readonly [Fits, string];
    if (value !== undefined && !fits(value))
      throw new EngineError(
        "option-invalid",
        `${where}: ${name} is ${typeof value === "number" ? value : shown(value)}; it must be ${right}`,
      );
  }
}

/** @throws EngineError `option-invalid` for an option that is unknown or of the wrong kind */
const checkAskOptions = (options: unknown): void => checkOptions(options, askOptions, "ask");

/**
 * What `ask` was given, as a conversation.
 * @throws EngineError or GenerationError for a conversation or an option that cannot be
 */
export function asMessages(
  conversation: string | readonly Message[],
  options: AskOptions,
  config: ModelConfig,
): readonly Message[] {
  const messages = typeof conversation === "string" ? [{ role: "user", content: conversation } as const] : conversation;
  checkMessages(messages);
  checkAskOptions(options);
  sampler(samplingOf(options));
  checkVision(messages, config);
  return messages;
}

/** @throws EngineError `option-invalid` for an option that is unknown or of the wrong kind */
export const checkPrefillOptions = (options: unknown): void => checkOptions(options, promptOptions, "prefill");

/** @throws EngineError `option-invalid` for what is no bytes */
export function checkSaved(saved: unknown): void {
  if (!(saved instanceof Uint8Array))
    throw new EngineError("option-invalid", `restore takes the bytes that save gave, not ${shown(saved)}`);
}

const converseOptions: Known<ConverseOptions> = {
  messages: [Array.isArray, "a list of messages"],
};

/** @throws EngineError `option-invalid` for an option that is unknown, `content-invalid` for messages that are none */
export function checkConverse(options: unknown, config: ModelConfig): void {
  checkOptions(options, converseOptions, "converse");
  const { messages = [] } = options as ConverseOptions;
  saysAnything(messages);
  checkVision(messages, config);
}

/** @throws EngineError `option-invalid` for an option that is unknown or of the wrong kind, or without a backend */
export function checkLoad(source: unknown, options: unknown): void {
  if (typeof source !== "string" && !(source instanceof Map))
    throw new EngineError(
      "option-invalid",
      `load takes a checkpoint's folder, hf:owner/name, an https address, or a Map of its files by name, not ${shown(source)}`,
    );
  checkOptions(options, loadOptions, "load");
  const { backend, worker } = options as Partial<LoadOptions>;
  if (backend === undefined && typeof worker !== "function")
    throw new EngineError(
      "option-invalid",
      "load needs a backend: load(folder, { backend: onnx }), with `onnx` of @hulu/backend-onnx",
    );
}
