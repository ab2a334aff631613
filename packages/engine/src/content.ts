import {
  checkRgb,
  decodeImage,
  type NiftiOptions,
  type Numeric,
  type RgbImage,
  readNifti,
  reorientRas,
  type SliceOptions,
  type Volume,
  volumeFrames,
} from "@hulu/processor";
import { EngineError } from "./error.js";
import type { Seen } from "./visual-identity.js";

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
  | ({ readonly type: "volume"; readonly volume: Uint8Array | Blob | Volume } & Pick<
      NiftiOptions,
      "volumeIndex" | "reorient"
    > &
      SliceOptions)
  | RememberedPart;

/** Stands for a visual input in a conversation that was saved: what was computed is there, the pixels are not. */
export interface RememberedPart extends Seen {
  readonly type: "remembered";
  readonly shows: "image" | "video";
  readonly time?: Numeric;
  readonly timestamps?: readonly Numeric[];
}

export type VisualPart = Exclude<Part, { readonly type: "text" }>;

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part[];
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

export type Decodable = Exclude<VisualPart, RememberedPart>;

/** The frames that a part shows. */
export async function decode(part: Decodable): Promise<readonly RgbImage[]> {
  switch (part.type) {
    case "image":
      return [await readImage(part.image)];
    case "video":
      return Promise.all(part.frames.map(readImage));
    case "volume":
      return readSlices(part);
  }
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
  const { volume, volumeIndex, reorient, axis, rule = "hf", numSlices, window, view } = part;
  const slices = {
    ...(axis !== undefined && { axis }),
    rule,
    ...(numSlices !== undefined && { numSlices }),
    ...(window !== undefined && { window }),
    ...(view !== undefined && { view }),
  };
  if (!(volume instanceof Uint8Array || volume instanceof Blob))
    return volumeFrames(reorient === "RAS" ? reorientRas(volume) : volume, slices);
  const bytes = volume instanceof Uint8Array ? volume : new Uint8Array(await volume.arrayBuffer());
  const options = { ...(volumeIndex !== undefined && { volumeIndex }), ...(reorient !== undefined && { reorient }) };
  return volumeFrames(await readNifti(bytes, options), slices);
}
