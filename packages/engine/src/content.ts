import type {
  FileInput,
  FrameSource,
  NiftiOptions,
  Numeric,
  RgbImage,
  SliceOptions,
  TypedVolume,
  Volume,
} from "@hulu/processor";
import type { Seen } from "./visual-identity.js";

/** A picture: the bytes of a file (PNG, JPEG, WebP, BMP, GIF, TIFF), or pixels. */
export type ImageInput = Uint8Array | Blob | RgbImage;

/** One piece of a message. */
export type Part =
  | { readonly type: "text"; readonly text: string }
  /** A picture; its time in seconds, where it has one, is told to the model. */
  | { readonly type: "image"; readonly image: ImageInput; readonly time?: Numeric }
  | FramesPart
  | ClipPart
  | VolumePart
  | RememberedPart;

/** Frames of one clip, in order; timestamps in seconds are told to the model. */
export interface FramesPart {
  readonly type: "video";
  readonly frames: readonly ImageInput[];
  readonly video?: undefined;
  readonly timestamps?: readonly Numeric[];
}

/** A clip whose frames are decoded as the model comes to them, a few at a time. */
export interface ClipPart {
  readonly type: "video";
  readonly video: FrameSource;
  readonly frames?: undefined;
  /** Seconds, told to the model instead of those that the clip has. */
  readonly timestamps?: readonly Numeric[];
}

/** A volume: a NIfTI file, one that is already read, or its slices. The slices go to the model as frames. */
export interface VolumePart extends Pick<NiftiOptions, "volumeIndex" | "reorient">, SliceOptions {
  readonly type: "volume";
  readonly volume: FileInput | Volume | TypedVolume | FrameSource;
}

/** Stands for a visual input in a conversation that was saved: what was computed is there, the pixels are not. */
export interface RememberedPart extends Seen {
  readonly type: "remembered";
  readonly shows: "image" | "video";
  readonly time?: Numeric;
  readonly timestamps?: readonly Numeric[];
}

export type VisualPart = Exclude<Part, { readonly type: "text" }>;
/** A part with something to look at. */
export type ShownPart = Exclude<VisualPart, RememberedPart>;

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part[];
}

/** Messages of one's own: the caller may change its lists afterwards. Bytes and pixels stay the caller's. */
export const copyMessages = (messages: readonly Message[]): readonly Message[] =>
  messages.map(({ role, content }) =>
    Object.freeze({ role, content: typeof content === "string" ? content : Object.freeze(content.map(copyPart)) }),
  );

const copyPart = (part: Part): Part => {
  if (part.type !== "video") return Object.freeze({ ...part });
  const times = part.timestamps && { timestamps: [...part.timestamps] };
  return Object.freeze(
    part.frames === undefined ? { ...part, ...times } : { ...part, frames: [...part.frames], ...times },
  );
};
