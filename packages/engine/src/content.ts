import {
  type Conversation,
  checkRgb,
  decodeImage,
  float,
  type NiftiOptions,
  type Numeric,
  type RgbImage,
  readNifti,
  type SliceOptions,
  type Message as TemplateMessage,
  type Part as TemplatePart,
  type Volume,
  volumeFrames,
} from "@hulu/processor";
import { EngineError } from "./error.js";

/** A picture: the bytes of a file (PNG, JPEG, WebP, BMP, GIF, TIFF), or pixels. */
export type ImageInput = Uint8Array | Blob | RgbImage;

/** One piece of a message. */
export type Part =
  | { readonly type: "text"; readonly text: string }
  /** A picture; its time in seconds, where it has one, is told to the model. */
  | { readonly type: "image"; readonly image: ImageInput; readonly time?: Numeric }
  /** Frames of one clip, in order; timestamps in seconds are told to the model. */
  | { readonly type: "video"; readonly frames: readonly ImageInput[]; readonly timestamps?: readonly Numeric[] }
  /** A volume: the bytes of a NIfTI file, or one that is already read. The slices go to the model as frames. */
  | ({ readonly type: "volume"; readonly volume: Uint8Array | Blob | Volume } & Omit<NiftiOptions, "maxBytes"> &
      SliceOptions);

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part[];
}

/** A conversation as the template sees it, and the visual inputs in the order of its placeholders. */
export interface Prepared {
  readonly conversation: Conversation;
  readonly visuals: readonly Visual[];
}
export interface Visual {
  readonly kind: "image" | "video";
  readonly frames: readonly RgbImage[];
}

/**
 * Decode what a conversation holds; `checkMessages` has been over it.
 * @throws ProcessorError for a file that is not what it should be
 */
export async function prepare(messages: readonly Message[], signal?: AbortSignal): Promise<Prepared> {
  const visuals: Visual[] = [];
  const conversation: TemplateMessage[] = [];
  for (const { role, content } of messages) {
    if (typeof content === "string") {
      conversation.push({ role, content });
      continue;
    }
    const parts: TemplatePart[] = [];
    for (const part of content) {
      signal?.throwIfAborted();
      parts.push(await preparePart(part, visuals));
    }
    conversation.push({ role, content: parts });
  }
  return { conversation, visuals };
}

/** The same with every content a string, as the templates of language models take it. */
export const textOnly = (conversation: Conversation): Conversation =>
  conversation.map(({ role, content }) => ({
    role,
    content:
      typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join(""),
  }));

async function preparePart(part: Part, visuals: Visual[]): Promise<TemplatePart> {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "image":
      visuals.push({ kind: "image", frames: [await readImage(part.image)] });
      return part.time === undefined ? { type: "image" } : { type: "image", time: part.time };
    case "video":
      return video(await Promise.all(part.frames.map(readImage)), part.timestamps, visuals);
    case "volume":
      // A 3D volume carries no timestamps, whatever the template.
      return video(await readSlices(part), undefined, visuals);
  }
}

function video(
  frames: readonly RgbImage[],
  timestamps: readonly Numeric[] | undefined,
  visuals: Visual[],
): TemplatePart {
  visuals.push({ kind: "video", frames });
  const part = { type: "video", num_frames: frames.length } as const;
  if (timestamps === undefined) return part;
  // A clip's times are Python floats to the template: `Time 7.0s`.
  return { ...part, timestamps: timestamps.map((t) => (typeof t === "number" ? float(t) : t)) };
}

/** A picture's pixels. */
export async function readImage(image: ImageInput): Promise<RgbImage> {
  if (image instanceof Uint8Array) return decodeImage(image);
  if (typeof image !== "object" || image === null)
    throw new EngineError("content-invalid", "a picture is the bytes of a file, a Blob, or { data, width, height }");
  if (image instanceof Blob) return decodeImage(new Uint8Array(await image.arrayBuffer()));
  checkRgb(image);
  return image;
}

async function readSlices(part: Part & { readonly type: "volume" }): Promise<RgbImage[]> {
  const { volume, volumeIndex, axis, rule = "hf", numSlices, window } = part;
  const slices = {
    ...(axis !== undefined && { axis }),
    rule,
    ...(numSlices !== undefined && { numSlices }),
    ...(window !== undefined && { window }),
  };
  if (!(volume instanceof Uint8Array || volume instanceof Blob)) return volumeFrames(volume, slices);
  const bytes = volume instanceof Uint8Array ? volume : new Uint8Array(await volume.arrayBuffer());
  return volumeFrames(await readNifti(bytes, volumeIndex === undefined ? {} : { volumeIndex }), slices);
}
