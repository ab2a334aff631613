import { type Backend, type ModelConfig, pruneRules, sampler } from "@hulu/core";
import { type AskOptions, type PromptOptions, samplingOf } from "./ask-options.js";
import type { Message } from "./content.js";
import type { ConverseOptions } from "./conversation.js";
import { EngineError } from "./error.js";
import type { LoadOptions } from "./load.js";
import { thinkingModes } from "./text-out.js";
import { isHash } from "./visual-identity.js";

// What comes from a caller is checked by hand: JavaScript and JSON know no types.

const roles = ["system", "user", "assistant"];
const partTypes = ["text", "image", "video", "volume", "remembered"];

const isObject = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x);
const shown = (x: unknown): string =>
  typeof x === "string" ? `"${x.slice(0, 40)}"` : x === null ? "null" : Array.isArray(x) ? "a list" : typeof x;

/**
 * Check a conversation before anything is done with it.
 * @throws EngineError `content-invalid` that names the message and the part; `prompt-empty` when nothing is said
 */
export function checkMessages(messages: unknown): asserts messages is readonly Message[] {
  if (!saysAnything(messages))
    throw new EngineError("prompt-empty", "the conversation says nothing; give a text, a picture or a volume");
}

/** @throws EngineError `content-invalid` for what is no list of messages */
export function saysAnything(messages: unknown): boolean {
  const wrong = (where: string, found: unknown, right: string) =>
    new EngineError("content-invalid", `${where} is ${shown(found)}; it must be ${right}`);
  if (!Array.isArray(messages)) throw wrong("the conversation", messages, "a text or a list of { role, content }");
  let said = false;
  for (const [i, message] of messages.entries()) {
    const at = `message ${i}`;
    if (!isObject(message)) throw wrong(at, message, "{ role, content }");
    if (!roles.includes(message.role as string)) throw wrong(`${at}: role`, message.role, roles.join(", "));
    const { content } = message;
    if (typeof content !== "string" && !Array.isArray(content))
      throw wrong(`${at}: content`, content, "a string or a list of parts");
    if (typeof content === "string") said ||= content !== "";
    else for (const [j, part] of content.entries()) said = checkPart(part, `${at}, part ${j}`, wrong) || said;
  }
  return said;
}

/** @returns whether the part says anything */
function checkPart(
  part: unknown,
  at: string,
  wrong: (where: string, found: unknown, right: string) => EngineError,
): boolean {
  if (!isObject(part)) throw wrong(at, part, "an object with a type");
  const need = (field: string, fits: boolean, right: string) => {
    if (!fits) throw wrong(`${at}: ${field}`, part[field], right);
  };
  need("type", partTypes.includes(part.type as string), partTypes.join(", "));
  const picture = "the bytes of a file, a Blob, or { data, width, height }";
  if (part.type === "text") need("text", typeof part.text === "string", "a string");
  if (part.type === "image") need("image", isObject(part.image), picture);
  if (part.type === "volume")
    need("volume", isVolume(part.volume), "the bytes of a NIfTI file, a Blob, or a volume that was read");
  if (part.type === "remembered") {
    need("shows", part.shows === "image" || part.shows === "video", "image or video");
    need("hash", isHash(part.hash), "what a saved conversation has");
    for (const side of ["frames", "height", "width"]) need(side, isCount[0](part[side]), isCount[1]);
  }
  if (part.type !== "video") return part.type !== "text" || part.text !== "";
  need(
    "frames",
    Array.isArray(part.frames) && part.frames.length > 0 && part.frames.every(isObject),
    `a list of one picture or more, each ${picture}`,
  );
  need(
    "timestamps",
    part.timestamps === undefined || Array.isArray(part.timestamps),
    "a list of seconds, one for each frame",
  );
  const times = part.timestamps as readonly unknown[] | undefined;
  if (times !== undefined && times.length !== (part.frames as readonly unknown[]).length)
    throw new EngineError(
      "content-invalid",
      `${at}: ${times.length} timestamps do not fit ${(part.frames as readonly unknown[]).length} frames`,
    );
  return true;
}

const isVolume = (x: unknown): boolean =>
  x instanceof Uint8Array || x instanceof Blob || (isObject(x) && typeof x.plane === "function");

type Fits = (value: unknown) => boolean;
const oneOf = (names: readonly string[]): readonly [Fits, string] => [
  (v) => names.includes(v as string),
  names.join(", "),
];
const isNumber: readonly [Fits, string] = [(v) => typeof v === "number", "a number"];
const isCount: readonly [Fits, string] = [
  (v) => Number.isSafeInteger(v) && (v as number) >= 1,
  "a whole number of at least 1",
];
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
  passOrder: oneOf(["pillow13", "pillow11"]),
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

function checkVision(messages: readonly Message[], config: ModelConfig): void {
  const visual = messages.some(({ content }) => typeof content !== "string" && content.some((p) => p.type !== "text"));
  if (visual && config.vision === undefined) throw noVision();
}

export const noVision = () =>
  new EngineError("no-vision", "this model is a language model: it takes text, and no pictures, videos or volumes");

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
