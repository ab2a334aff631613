import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Message, Part } from "@hulu/engine";
import {
  decodeFrames,
  GIF_FPS,
  type Numeric,
  type RgbImage,
  type SliceOptions,
  type SliceRule,
  sampleSequence,
} from "@hulu/processor";
import { UsageError, unreadable } from "./errors.js";

/** A file of the command line, in its order. */
export interface Attachment {
  readonly kind: "image" | "volume" | "video";
  readonly file: string;
}

export interface AttachmentOptions {
  readonly axis: "axial" | "coronal" | "sagittal" | undefined;
  readonly slices: number | undefined;
  readonly sliceRule: SliceRule | undefined;
  readonly volumeIndex: number | undefined;
  readonly window: SliceOptions["window"];
  /** Frames per second wanted of a video, and at most how many of them. */
  readonly fps: number | undefined;
  readonly maxFrames: number | undefined;
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
  for (const attachment of waiting) parts.push(await read(attachment, {}, options));
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
    parts.push(
      part.type === "text" ? { type: "text", text: String(part.text) } : await read(take(part, waiting), part, options),
    );
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

/** @param part what the message says of it: a picture's `time`, a video's `num_frames` and `timestamps` */
async function read({ kind, file }: Attachment, part: Given, options: AttachmentOptions): Promise<Part> {
  if (kind === "image")
    return {
      type: "image",
      image: await bytesOf(file),
      ...(part.time !== undefined && { time: part.time as Numeric }),
    };
  const frames = Number.isSafeInteger(part.num_frames) ? Number(part.num_frames) : undefined;
  if (kind === "video") return readVideo(file, { ...options, maxFrames: options.maxFrames ?? frames }, part.timestamps);
  const { axis, sliceRule, volumeIndex, window } = options;
  const numSlices = options.slices ?? frames;
  return {
    type: "volume",
    volume: await bytesOf(file),
    ...(axis && { axis }),
    ...(sliceRule && { rule: sliceRule }),
    ...(numSlices !== undefined && { numSlices }),
    ...(volumeIndex !== undefined && { volumeIndex }),
    ...(window && { window }),
  };
}

/** An animated GIF, or a folder of pictures in the order of their names. */
async function readVideo(file: string, options: AttachmentOptions, told: unknown): Promise<Part> {
  const folder = (await stat(file).catch(unreadable(file))).isDirectory();
  const all = folder ? await picturesIn(file) : (await decodeFrames(await bytesOf(file))).frames;
  if (!folder && all.length === 1)
    throw new UsageError(`${file} is one picture; give it with --image, or a GIF or a folder of frames with --video`);
  const { indices, timestamps } = sampleSequence({
    total: all.length,
    videoFps: GIF_FPS,
    fps: options.fps ?? null,
    maxFrames: options.maxFrames ?? null,
  });
  const frames = indices.map((i) => all[i] as Uint8Array | RgbImage);
  const times = Array.isArray(told) ? (told as Numeric[]) : options.fps === undefined ? undefined : timestamps;
  return { type: "video", frames, ...(times && { timestamps: times }) };
}

async function picturesIn(folder: string): Promise<Uint8Array[]> {
  const names = (await readdir(folder).catch(unreadable(folder)))
    .filter((name) => /\.(png|jpe?g|webp|bmp|gif|tiff?)$/i.test(name))
    .sort();
  if (names.length === 0) throw new UsageError(`${folder} holds no pictures`);
  return Promise.all(names.map((name) => bytesOf(join(folder, name))));
}

const bytesOf = (file: string): Promise<Uint8Array> => readFile(file).catch(unreadable(file));
