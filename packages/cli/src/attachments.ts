import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Message, Part } from "@hulu/engine";
import { decodeFrames, GIF_FPS, type Numeric, type RgbImage, type SliceRule, sampleSequence } from "@hulu/processor";
import { UsageError } from "./errors.js";

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

async function fill(message: Given, waiting: Attachment[], options: AttachmentOptions): Promise<Message> {
  const { role, content } = message as { role: Message["role"]; content: unknown };
  if (typeof content === "string") return { role, content };
  const parts: Part[] = [];
  for (const part of content as readonly Given[]) {
    if (part.type !== "image" && part.type !== "video") {
      if (typeof part.text !== "string")
        throw new UsageError(
          `a part of a message is a text, an image or a video, not "${String(part.type).slice(0, 40)}"`,
        );
      parts.push({ type: "text", text: part.text });
      continue;
    }
    const at = waiting.findIndex(({ kind }) => (kind === "image") === (part.type === "image"));
    if (at < 0)
      throw new UsageError(
        `a message has a part of type ${part.type}, and no file is left for it; give ${part.type === "image" ? "--image FILE" : "--video or --volume FILE"}`,
      );
    parts.push(await read(waiting.splice(at, 1)[0]!, part, options));
  }
  return { role, content: parts };
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
  const { axis, sliceRule, volumeIndex } = options;
  const numSlices = options.slices ?? frames;
  return {
    type: "volume",
    volume: await bytesOf(file),
    ...(axis && { axis }),
    ...(sliceRule && { rule: sliceRule }),
    ...(numSlices !== undefined && { numSlices }),
    ...(volumeIndex !== undefined && { volumeIndex }),
  };
}

/** An animated GIF, or a folder of pictures in the order of their names. */
async function readVideo(file: string, options: AttachmentOptions, told: unknown): Promise<Part> {
  const folder = (await stat(file).catch(missing(file))).isDirectory();
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
  const names = (await readdir(folder)).filter((name) => /\.(png|jpe?g|webp|bmp|gif|tiff?)$/i.test(name)).sort();
  if (names.length === 0) throw new UsageError(`${folder} holds no pictures`);
  return Promise.all(names.map((name) => bytesOf(join(folder, name))));
}

const bytesOf = (file: string): Promise<Uint8Array> => readFile(file).catch(missing(file));

const missing = (file: string) => (cause: NodeJS.ErrnoException) => {
  throw new UsageError(`${file} cannot be read: ${cause.code === "ENOENT" ? "there is no such file" : cause.code}`, {
    cause,
  });
};
