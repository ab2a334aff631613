import { INPUT_LIMITS, pictureOf } from "@hulu/processor";
import type { Files, ImageInput, Message, Part } from "../content.js";
import { EngineError } from "../error.js";
import { areFiles, isFile } from "../file-input.js";
import { isSource, openPart } from "../open.js";
import type { SourceHolder } from "./frames.js";
import { type Packed, pack } from "./pack.js";
import type { SentSource } from "./protocol.js";

/**
 * A conversation for sending. What gives frames is an object with methods and stays here: in its place goes a number, by
 * which the worker asks for them.
 */
export async function packMessages(
  messages: readonly Message[],
  holder: SourceHolder,
): Promise<Packed<readonly Message[]>> {
  const plain: Message[] = [];
  for (const { role, content } of messages) {
    if (typeof content === "string") plain.push({ role, content });
    else {
      const parts: Part[] = [];
      for (const part of content) parts.push(await sendable(part, holder));
      plain.push({ role, content: parts });
    }
  }
  return pack(plain, "messages");
}

async function sendable(part: Part, holder: SourceHolder): Promise<Part> {
  switch (part.type) {
    case "image":
      return { ...part, image: await sendablePicture(part.image) };
    case "video":
      if (part.frames === undefined) return { ...part, video: await sendableClip(part, holder) };
      return { ...part, frames: await Promise.all(part.frames.map(sendablePicture)) };
    case "volume": {
      const { volume } = part;
      if (isSource(volume)) return { ...part, volume: sent(holder.add(volume)) };
      if (areFiles(volume)) return { ...part, volume: await sendableFiles(volume) };
      if (!("plane" in volume)) return part;
      return { ...part, volume: sent(holder.add((await openPart(part)).source)) };
    }
    default:
      return part;
  }
}

async function sendableClip(
  part: Part & { readonly type: "video"; readonly frames?: undefined },
  holder: SourceHolder,
) {
  const { video } = part;
  if (areFiles(video)) return sendableFiles(video);
  if (isSource(video)) return sent(holder.add(video));
  return sent(holder.add((await openPart(part)).source, typeof video !== "function"));
}

const sendableFiles = async (files: Files): Promise<Files> =>
  isFile(files) ? sendableFile(files) : Promise.all(files.map(sendableFile));

/** A Blob over a file of Node (`fs.openAsBlob`) cannot be cloned, so its bytes go. A page's Blobs and Files can. */
async function sendableFile<T>(file: T): Promise<T | Uint8Array> {
  if (!(file instanceof Blob)) return file;
  try {
    structuredClone(file);
    return file;
  } catch {
    const { maxBytes } = INPUT_LIMITS;
    if (file.size > maxBytes)
      throw new EngineError("content-invalid", `a file has ${file.size} bytes, over the limit of ${maxBytes}`);
    return new Uint8Array(await file.arrayBuffer());
  }
}

/** The other side makes a source of it again. */
const sent = (source: SentSource): never => source as never;

/** A picture whose fields are its own: those of a platform's objects would be lost, or its pixels closed meanwhile. */
export async function sendablePicture(image: ImageInput): Promise<ImageInput> {
  const sound = typeof image === "object" && image !== null && !(image instanceof Uint8Array || image instanceof Blob);
  if (!sound || Object.hasOwn(image, "data")) return sendableFile(image);
  if (typeof ImageData === "function" && image instanceof ImageData) {
    const { data, width, height } = image;
    return { data: data as Uint8ClampedArray, width, height };
  }
  return pictureOf(image);
}
