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
import { hashOfFrames, isHashOf, type Seen } from "./visual-identity.js";

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

type VisualPart = Exclude<Part, { readonly type: "text" }>;

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part[];
}

/** A conversation as the template sees it, and the visual inputs in the order of its placeholders. */
export interface Prepared {
  readonly conversation: Conversation;
  readonly visuals: readonly Visual[];
}
export interface Visual extends Seen {
  readonly kind: "image" | "video";
  /** The frames; they are decoded again where an earlier call has done it. */
  readonly pixels: () => Promise<readonly RgbImage[]>;
}

/** What is known of parts that were decoded before. */
export type SeenParts = WeakMap<Part, Seen>;

/**
 * Decode what a conversation holds and what is not known yet; `checkMessages` has been over it.
 * @param seen gets what was decoded
 * @throws ProcessorError for a file that is not what it should be
 */
export async function prepare(
  messages: readonly Message[],
  seen: SeenParts = new WeakMap(),
  signal?: AbortSignal,
): Promise<Prepared> {
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
      if (part.type === "text") {
        parts.push({ type: "text", text: part.text });
        continue;
      }
      const visual = await visualOf(part, seen);
      visuals.push(visual);
      parts.push(templatePart(part, visual));
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

async function visualOf(part: VisualPart, seen: SeenParts): Promise<Visual> {
  const kind = part.type === "image" ? "image" : "video";
  const known = seen.get(part);
  if (known !== undefined) return { ...known, kind, pixels: () => sameFrames(part, known) };
  const frames = await decode(part);
  const [{ height, width } = { height: 0, width: 0 }] = frames;
  const found = { hash: await hashOfFrames(frames), frames: frames.length, height, width };
  seen.set(part, found);
  return { ...found, kind, pixels: async () => frames };
}

/** The frames of a part once more. The caller owns its bytes, and may have put another picture into them since. */
async function sameFrames(part: VisualPart, { hash }: Seen): Promise<readonly RgbImage[]> {
  const frames = await decode(part);
  if (await isHashOf(hash, frames)) return frames;
  throw new EngineError(
    "content-changed",
    "the bytes of a picture changed after it was given; give each picture bytes of its own",
  );
}

async function decode(part: VisualPart): Promise<readonly RgbImage[]> {
  switch (part.type) {
    case "image":
      return [await readImage(part.image)];
    case "video":
      return Promise.all(part.frames.map(readImage));
    case "volume":
      return readSlices(part);
  }
}

function templatePart(part: VisualPart, { frames }: Seen): TemplatePart {
  if (part.type === "image") return part.time === undefined ? { type: "image" } : { type: "image", time: part.time };
  const video = { type: "video", num_frames: frames } as const;
  // A 3D volume carries no timestamps, whatever the template.
  if (part.type === "volume" || part.timestamps === undefined) return video;
  // A clip's times are Python floats to the template: `Time 7.0s`.
  return { ...video, timestamps: part.timestamps.map((t) => (typeof t === "number" ? float(t) : t)) };
}

/** Messages of one's own: the caller may change its lists afterwards. Bytes and pixels stay the caller's. */
export const copyMessages = (messages: readonly Message[]): readonly Message[] =>
  messages.map(({ role, content }) =>
    Object.freeze({ role, content: typeof content === "string" ? content : Object.freeze(content.map(copyPart)) }),
  );

const copyPart = (part: Part): Part =>
  Object.freeze(
    part.type !== "video"
      ? { ...part }
      : { ...part, frames: [...part.frames], ...(part.timestamps && { timestamps: [...part.timestamps] }) },
  );

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
