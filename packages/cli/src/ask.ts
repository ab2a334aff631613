import { readFile } from "node:fs/promises";
import { pruneRules } from "@hulu/core";
import { type AskOptions, checkMessages, load, type Result } from "@hulu/engine";
import { checkConversation, parseJson, type SliceOptions } from "@hulu/processor";
import { type Attachment, type AttachmentOptions, conversation } from "./attachments.js";
import { backendOption, chosenBackend } from "./backends.js";
import type { Command, Io } from "./command.js";
import { UsageError, unreadable } from "./errors.js";
import { memoryLimits, memoryOptions } from "./memory.js";
import type { Options, Parsed } from "./options.js";
import { downloadOptions, modelOption, sourceOptions } from "./source.js";

const options: Options = {
  model: modelOption,
  backend: backendOption,
  image: { type: "string", value: "FILE", multiple: true, help: "a picture: PNG, JPEG, WebP, BMP, GIF or TIFF" },
  volume: { type: "string", value: "FILE", multiple: true, help: "a NIfTI volume: .nii or .nii.gz" },
  video: { type: "string", value: "FILE", multiple: true, help: "an animated GIF, or a folder of frames" },
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
  pruning: {
    type: "string",
    value: "RULE",
    help: `of videos and volumes: ${pruneRules.join(", ")} (default released)`,
  },
  threshold: { type: "string", value: "X", help: "of the pruning rule (default 0.1)" },
  "min-tokens": { type: "string", value: "N", help: "visual tokens that pruning leaves of a frame (default 1)" },
  merge: { type: "string", value: "M", help: "patches per visual token along a side" },
  axis: { type: "string", value: "NAME", help: "of a volume: axial (default), coronal, sagittal" },
  slices: { type: "string", value: "N", help: "how many slices of a volume" },
  "slice-rule": { type: "string", value: "NAME", help: "hf (default) or repository" },
  "volume-index": { type: "string", value: "N", help: "which volume of a 4D file, from 0" },
  window: { type: "string", value: "CENTER,WIDTH", help: "of a volume's values, with the slice rule hf: -600,1500" },
  fps: { type: "string", value: "F", help: "frames of a video per second" },
  "max-frames": { type: "string", value: "N", help: "the most frames of a video" },
  aspect: { type: "string", value: "NAME", help: "true (default), or transposed as the released code has it" },
  ...memoryOptions,
  json: { type: "boolean", help: "one line: {text, tokenIds, promptTokens, timings}" },
  ...downloadOptions,
};

export const ask: Command = {
  name: "ask",
  usage: "hulu ask --model SOURCE [--image|--volume|--video FILE]... [options] [TEXT]",
  about:
    "Ask a model about text, pictures and volumes. The answer goes to stdout, everything else to stderr.\nResearch use only, not for clinical use.",
  options,
  run: async (parsed, io) => {
    const folder = parsed.text("model");
    if (folder === undefined)
      throw new UsageError("ask needs --model SOURCE: the folder of a checkpoint, hf:OWNER/NAME, or https://...");
    if (parsed.positionals.length > 1)
      throw new UsageError(`one text is asked, not ${parsed.positionals.length}; put it in quotes`);
    const asked = askOptions(parsed, io.signal);
    const backend = chosenBackend(parsed);
    const messages = await conversation(
      await givenMessages(parsed),
      parsed.positionals[0],
      attachments(parsed),
      attachmentOptions(parsed),
    );
    // A checkpoint takes a while to load: what can be refused without it is refused first.
    checkMessages(messages);
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
  const rule = parsed.oneOf("pruning", pruneRules);
  const threshold = parsed.number("threshold", (t) => t >= 0, "a number of at least 0");
  const minTokens = parsed.count("min-tokens", 0);
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
    prune:
      rule === undefined && threshold === undefined && minTokens === undefined
        ? undefined
        : {
            rule: rule ?? "released",
            ...(threshold !== undefined && { threshold }),
            ...(minTokens !== undefined && { minTokens }),
          },
    merge: parsed.count("merge"),
    aspect: parsed.oneOf("aspect", ["true", "transposed"]),
    signal,
  };
}

function attachmentOptions(parsed: Parsed): AttachmentOptions {
  const sliceRule = parsed.oneOf("slice-rule", ["hf", "repository"]);
  const window = windowOf(parsed.text("window"));
  if (window !== undefined && sliceRule === "repository")
    throw new UsageError("--window goes with the slice rule hf; the repository's rule has none");
  return {
    axis: parsed.oneOf("axis", ["axial", "coronal", "sagittal"]),
    slices: parsed.count("slices"),
    sliceRule,
    volumeIndex: parsed.count("volume-index", 0),
    window,
    fps: parsed.number("fps", (f) => f > 0, "a number above 0"),
    maxFrames: parsed.count("max-frames"),
  };
}

function windowOf(given: string | undefined): SliceOptions["window"] {
  if (given === undefined) return undefined;
  const [center, width, ...more] = given.split(",").map((n) => (n.trim() === "" ? Number.NaN : Number(n)));
  if (center !== undefined && width !== undefined && more.length === 0 && Number.isFinite(center))
    if (Number.isFinite(width) && width > 0) return { center, width };
  throw new UsageError(`--window is "${given}"; it must be CENTER,WIDTH: two numbers, the width above 0`);
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
