import type { Message, Part } from "@hulu/engine";
import type { FrameSource, Numeric, PromptTag } from "@hulu/processor";
import { UsageError } from "./errors.js";
import { openShown, warningsOf } from "./input/open.js";
import type { ReadOptions } from "./input/options.js";
import { toldOf } from "./input/tags.js";

/** A file of the command line, in its order. */
export interface Attachment {
  readonly kind: "image" | "volume" | "video";
  readonly file: string;
}

export interface AttachmentOptions extends ReadOptions {
  /** What a DICOM file may say to the model. */
  readonly tags: readonly PromptTag[];
  readonly signal: AbortSignal;
  /** Told what is odd about an input. */
  warn(text: string): void;
}

type Given = Readonly<Record<string, unknown>>;

/**
 * Put the files of the command line in the places that the messages have for them, in order; what is left, and the text,
 * make one more turn of the user.
 * @throws UsageError when a message has a place for a file that was not given, or a file has no place
 */
export async function conversation(
  messages: readonly Given[],
  text: string | undefined,
  attachments: readonly Attachment[],
  options: AttachmentOptions,
): Promise<Message[]> {
  const waiting = [...attachments];
  const filled: Message[] = [];
  for (const message of messages) filled.push(await fill(message, waiting, options));
  if (text === undefined && messages.length > 0) {
    if (waiting.length > 0)
      throw new UsageError(`${waiting[0]!.file} has no place: the messages have no part for it, and there is no text`);
    return filled;
  }
  const parts: Part[] = [];
  for (const attachment of waiting) parts.push(...(await read(attachment, {}, options)));
  if (text !== undefined && text !== "") parts.push({ type: "text", text });
  return [...filled, { role: "user", content: parts }];
}

const roles = ["system", "user", "assistant"] as const satisfies readonly Message["role"][];

async function fill(message: Given, waiting: Attachment[], options: AttachmentOptions): Promise<Message> {
  const role = roles.find((r) => r === message.role);
  if (role === undefined)
    throw new UsageError(`a message has the role ${shown(message.role)}; it must be one of ${roles.join(", ")}`);
  const { content } = message;
  if (typeof content === "string") return { role, content };
  const parts: Part[] = [];
  for (const part of content as readonly Given[])
    if (part.type === "text") parts.push({ type: "text", text: String(part.text) });
    else parts.push(...(await read(take(part, waiting), part, options)));
  return { role, content: parts };
}

const shown = (name: unknown): string => (name === undefined ? "undefined" : JSON.stringify(name).slice(0, 40));

/** Which files may stand for a part. A volume is a video to the templates, so conversations that were written call it one. */
const takes: ReadonlyMap<unknown, readonly Attachment["kind"][]> = new Map([
  ["image", ["image"]],
  ["video", ["video", "volume"]],
  ["volume", ["volume"]],
]);

/** The first file that is left for a part. */
function take({ type }: Given, waiting: Attachment[]): Attachment {
  const kinds = takes.get(type);
  if (kinds === undefined)
    throw new UsageError(
      `a message has a part of type ${shown(type)}; it must be one of text, ${[...takes.keys()].join(", ")}`,
    );
  const at = waiting.findIndex(({ kind }) => kinds.includes(kind));
  const [found] = at < 0 ? [] : waiting.splice(at, 1);
  if (found !== undefined) return found;
  const wanted = kinds.map((kind) => `--${kind}`).join(" or ");
  throw new UsageError(`a message has a part of type ${type}, and no file is left for it; give ${wanted} FILE`);
}

/**
 * Every file is opened here too, for what is odd about it, and for what is wrong with it before a model is loaded.
 * @param part what the message says of it: a picture's `time`, a video's `num_frames` and `timestamps`
 */
async function read({ kind, file }: Attachment, part: Given, options: AttachmentOptions): Promise<Part[]> {
  const { tags, signal, warn, ...given } = options;
  const frames = Number.isSafeInteger(part.num_frames) ? Number(part.num_frames) : undefined;
  const counts = kind === "video" ? { maxFrames: given.maxFrames ?? frames } : { numSlices: given.numSlices ?? frames };
  const reading = { ...given, ...counts };
  const shown = await openShown(file, kind, reading, signal);
  for (const text of warningsOf(shown)) warn(text);
  const told = tags.length === 0 ? undefined : await toldOf(file, tags, given.series);
  const parts: Part[] = told === undefined ? [] : [{ type: "text", text: told }];
  if (kind === "image") for (const { source } of shown) parts.push(await pictureOf(source, part, signal));
  else parts.push(framesOf(kind, file, part, reading));
  return parts;
}

/** A picture goes by its pixels, a volume or a video by its path: the model's worker decodes it as it comes to it. */
async function pictureOf(source: FrameSource, { time }: Given, signal: AbortSignal): Promise<Part> {
  for await (const image of source.frames({ signal }))
    return { type: "image", image, ...(time !== undefined && { time: time as Numeric }) };
  throw new UsageError("a picture has no frame");
}

function framesOf(
  kind: "volume" | "video",
  file: string,
  { timestamps }: Given,
  { windows: [window], ...options }: ReadOptions,
): Part {
  const reading = definedOf({ ...options, window });
  if (kind === "volume") return { type: "volume", volume: file, ...reading };
  const told = Array.isArray(timestamps) ? { timestamps: timestamps as Numeric[] } : {};
  return { type: "video", video: file, ...reading, ...told };
}

/** Without the entries that are undefined. */
const definedOf = <T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
