import type {
  FileInput,
  FrameSource,
  Numeric,
  OpenOptions,
  PictureInput,
  PictureOptions,
  RgbImage,
  TypedVolume,
  Volume,
} from "@hulu/processor";
import type { Seen } from "./visual-identity.js";

/**
 * A picture: the bytes of a file (PNG, JPEG, WebP, BMP, GIF, TIFF, DICOM), pixels, or what a page has: an ImageData, an
 * ImageBitmap, a VideoFrame.
 */
export type ImageInput = Uint8Array | Blob | RgbImage | PictureInput;

/** One piece of a message. */
export type Part =
  | { readonly type: "text"; readonly text: string }
  | ImagePart
  | FramesPart
  | ClipPart
  | VolumePart
  | RememberedPart;

/** How an input is read; see `openInput` of `@hulu/processor`. What does not apply to it is left alone. */
export interface Reading
  extends Pick<OpenOptions, "window" | "frame" | "grey16" | "limits">,
    Pick<OpenOptions, "axis" | "rule" | "numSlices" | "view" | "volumeIndex" | "reorient" | "series">,
    Pick<OpenOptions, "fps" | "maxFrames" | "start" | "end" | "gifTimes" | "damage">,
    PictureOptions {}

/** A picture; its time in seconds, where it has one, is told to the model. */
export interface ImagePart extends Reading {
  readonly type: "image";
  readonly image: ImageInput;
  readonly time?: Numeric;
}

/** Frames of one clip, in order; timestamps in seconds are told to the model. */
export interface FramesPart extends Reading {
  readonly type: "video";
  readonly frames: readonly ImageInput[];
  readonly video?: undefined;
  readonly timestamps?: readonly Numeric[];
}

/**
 * A clip whose frames are decoded as the model comes to them, a few at a time: a video, an animated GIF or a DICOM file of
 * several frames, as bytes, a Blob or, in Node, a path; the pictures of a folder; a source of frames; or an iterable of them
 * with their `count`. A function that makes iterables lets a conversation read the frames again.
 */
export interface ClipPart extends Reading {
  readonly type: "video";
  readonly video: Files | FrameSource | Frames;
  readonly frames?: undefined;
  /** How many frames an iterable will give. */
  readonly count?: number;
  /** Seconds, told to the model instead of those that the clip has. */
  readonly timestamps?: readonly Numeric[];
}

/** A file or several; in Node also their paths, or that of a folder, which are read when they are needed. */
export type Files = FileInput | readonly FileInput[];
export type Frames = AsyncIterable<PictureInput> | (() => AsyncIterable<PictureInput>);

/**
 * A volume: a NIfTI file or pair, a DICOM series as its files or, in Node, as the path of its folder; one that is already
 * read or lies in memory; or its slices. The slices go to the model as frames.
 */
export interface VolumePart extends Reading {
  readonly type: "volume";
  readonly volume: Files | Volume | TypedVolume | FrameSource;
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
  const lists = Object.entries(part).filter(([, value]) => Array.isArray(value));
  return Object.freeze({ ...part, ...Object.fromEntries(lists.map(([name, list]) => [name, [...list]])) });
};
