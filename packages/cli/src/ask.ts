import { readFile } from "node:fs/promises";
import { type AskOptions, checkMessages, load, type Result } from "@hulu/engine";
import { checkConversation, parseJson } from "@hulu/processor";
import { type Attachment, conversation } from "./attachments.js";
import { backendOption, chosenBackend, weightsOption } from "./backends.js";
import type { Command, Io } from "./command.js";
import { UsageError, unreadable } from "./errors.js";
import { inputOptions, inputOptionsOf } from "./input/options.js";
import { promptTagsOf, promptTagsOption } from "./input/tags.js";
import { memoryLimits, memoryOptions } from "./memory.js";
import type { Options, Parsed } from "./options.js";
import { pruneOptions, pruneOptionsOf } from "./prune-options.js";
import { downloadOptions, modelOption, sourceOptions } from "./source.js";

const options: Options = {
  model: modelOption,
  backend: backendOption,
  weights: weightsOption,
  image: { type: "string", value: "FILE", multiple: true, help: "a picture: PNG, JPEG, WebP, BMP, GIF, TIFF, DICOM" },
  volume: {
    type: "string",
    value: "FILE",
    multiple: true,
    help: "a volume: NIfTI, a folder with a DICOM series, enhanced DICOM",
  },
  video: {
    type: "string",
    value: "FILE",
    multiple: true,
    help: "a clip (needs ffmpeg), an animated GIF, a DICOM cine, a folder of frames",
  },
  messages: {
    type: "string",
    value: "FILE.json",
    help: "a conversation: [{role, content}, ...]; TEXT is one more turn",
  },
  "max-tokens": { type: "string", value: "N", help: "the most tokens of the answer (default 2048)" },
  temperature: { type: "string", value: "T", help: "sample; 0 is greedy (the default)" },
  "top-k": { type: "string", value: "K", help: "sample among the K likeliest" },
  "top-p": { type: "string", value: "P", help: "sample among the likeliest that make up P" },
  "repetition-penalty": { type: "string", value: "R", help: "above 1: said tokens are less likely (default 1)" },
  seed: { type: "string", value: "N", help: "the same seed gives the same answer" },
  stop: { type: "string", value: "TEXT", multiple: true, help: "end the answer before this text" },
  thinking: { type: "string", value: "MODE", help: "inline (default), hidden, or apart (on stderr)" },
  ...pruneOptions,
  ...inputOptions,
  "prompt-tags": promptTagsOption,
  ...memoryOptions,
  json: { type: "boolean", help: "one line: {text, tokenIds, promptTokens, timings}" },
  ...downloadOptions,
};

export const ask: Command = {
  name: "ask",
  usage: "hulu ask --model SOURCE [--image|--volume|--video FILE]... [options] [TEXT]",
  about:
    "Ask a model about text, pictures, volumes and videos. The answer goes to stdout, everything else to stderr.\nResearch use only, not for clinical use.",
  options,
  run: async (parsed, io) => {
    const folder = parsed.text("model");
    if (folder === undefined)
      throw new UsageError("ask needs --model SOURCE: the folder of a checkpoint, hf:OWNER/NAME, or https://...");
    if (parsed.positionals.length > 1)
      throw new UsageError(`one text is asked, not ${parsed.positionals.length}; put it in quotes`);
    const asked = askOptions(parsed, io.signal);
    const messages = await conversation(await givenMessages(parsed), parsed.positionals[0], attachments(parsed), {
      ...inputOptionsOf(parsed),
      tags: promptTagsOf(parsed.text("prompt-tags")),
      signal: io.signal,
      warn: (text) => io.note(`${text}\n`),
    });
    // A checkpoint takes a while to load: what can be refused without it is refused first.
    checkMessages(messages);
    const backend = await chosenBackend(parsed, io);
    const where = sourceOptions(parsed, io);
    await using model = await load(folder, { ...where, backend, signal: io.signal, ...memoryLimits(parsed) });
    const answer = model.ask(messages, asked);
    const json = parsed.flag("json");
    for await (const { kind, text } of answer.pieces()) if (!json) kind === "answer" ? io.out(text) : io.note(text);
    const result = await answer.result();
    const { text, tokenIds, promptTokens, timings } = result;
    io.out(json ? `${JSON.stringify({ text, tokenIds, promptTokens, timings })}\n` : "\n");
    if (!json) summarize(io, result);
    return 0;
  },
};

function summarize({ note }: Io, { promptTokens, visualTokens, tokenIds, timings, stopReason }: Result): void {
  const { all, kept } = visualTokens;
  const visual = all === 0 ? "" : `, ${kept} of ${all} visual tokens kept`;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  note(
    `[${promptTokens} prompt tokens${visual}; ${tokenIds.length} generated, ended by ${stopReason}; prefill ${seconds(timings.prefill)}, decode ${seconds(timings.decode)}]\n`,
  );
}

function askOptions(parsed: Parsed, signal: AbortSignal): AskOptions {
  const range = {
    topK: parsed.count("top-k"),
    topP: parsed.number("top-p", (p) => p > 0 && p <= 1, "above 0 and at most 1"),
  };
  const sampled = range.topK !== undefined || range.topP !== undefined;
  return {
    ...range,
    maxTokens: parsed.count("max-tokens"),
    // Greedy unless asked otherwise, whatever the checkpoint's own default.
    temperature: parsed.number("temperature", (t) => t >= 0, "a number of at least 0") ?? (sampled ? 1 : 0),
    repetitionPenalty: parsed.number("repetition-penalty", (r) => r > 0, "a number above 0"),
    seed: parsed.number("seed", Number.isSafeInteger, "a whole number"),
    stop: parsed.texts("stop"),
    thinking: parsed.oneOf("thinking", ["inline", "hidden", "apart"]) ?? "inline",
    ...pruneOptionsOf(parsed),
    signal,
  };
}

const kinds = ["image", "volume", "video"] as const;

function attachments(parsed: Parsed): Attachment[] {
  return parsed.order.flatMap(({ name, value }) => {
    const kind = kinds.find((k) => k === name);
    return kind === undefined || value === undefined ? [] : [{ kind, file: value }];
  });
}

async function givenMessages(parsed: Parsed): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const file = parsed.text("messages");
  if (file === undefined) return [];
  const text = await readFile(file, "utf8").catch(unreadable(file));
  try {
    return checkConversation(parseJson(text));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UsageError(`${file} is not JSON`, { cause });
    throw cause;
  }
}
