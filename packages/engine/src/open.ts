import {
  checkRgb,
  decodeImage,
  type FrameSource,
  fileBytes,
  frameSource,
  type RgbImage,
  readNifti,
  reorientRas,
  typedVolume,
  volumeSource,
} from "@hulu/processor";
import type { FramesPart, ImageInput, ShownPart, VolumePart } from "./content.js";
import { EngineError } from "./error.js";
import { isFile } from "./file-input.js";

// The one place that knows how an input is read: whatever it is, frames come out of it.

/**
 * The frames that a part shows, read as they are asked for.
 * @throws ProcessorError for a file that is not what it should be; EngineError `content-invalid`
 */
export async function openPart(part: ShownPart): Promise<FrameSource> {
  switch (part.type) {
    case "image":
      return frameSource([await readImage(part.image)], { kind: "image" });
    case "video":
      return part.frames === undefined ? truthful(part.video) : listed(part);
    case "volume":
      return openVolume(part);
  }
}

/** A picture's pixels. */
async function readImage(image: ImageInput): Promise<RgbImage> {
  if (typeof image !== "object" || image === null)
    throw new EngineError("content-invalid", "a picture is the bytes of a file, a Blob, or { data, width, height }");
  if (isFile(image)) return decodeImage(await fileBytes(image));
  checkRgb(image);
  return image;
}

/** Frames that are given one by one: each is decoded when its turn comes, and not held. */
async function listed({ frames }: FramesPart): Promise<FrameSource> {
  const { width, height } = await readImage(frames[0]!);
  return {
    kind: "video",
    count: frames.length,
    width,
    height,
    async *frames({ signal } = {}) {
      for (const frame of frames) {
        signal?.throwIfAborted();
        yield await readImage(frame);
      }
    },
  };
}

/** A caller's own source, held to what it says: positions and sizes were reckoned by that. */
function truthful(source: FrameSource): FrameSource {
  const { kind, count, width, height, timestamps } = source;
  const wrong = (what: string) => new EngineError("content-invalid", `a source of ${count} frames ${what}`);
  return {
    ...{ kind, count, width, height },
    ...(timestamps && { timestamps }),
    async *frames(options) {
      let seen = 0;
      for await (const frame of source.frames(options)) {
        checkRgb(frame, `frame ${seen}`);
        if (seen === 0 && (frame.width !== width || frame.height !== height))
          throw wrong(`says ${width} x ${height} pixels; its first has ${frame.width} x ${frame.height}`);
        if (seen++ === count) throw wrong("gives more");
        yield frame;
      }
      if (seen < count) throw wrong(`gives ${seen}`);
    },
  };
}

async function openVolume(part: VolumePart): Promise<FrameSource> {
  const { type: _, volume, volumeIndex, reorient, rule = "hf", ...slices } = part;
  if (isSource(volume)) return truthful(volume);
  const options = { ...slices, rule };
  if (!isFile(volume)) {
    const held = "plane" in volume ? volume : typedVolume(volume);
    return volumeSource(reorient === "RAS" ? reorientRas(held) : held, options);
  }
  const bytes = await fileBytes(volume);
  return volumeSource(
    await readNifti(bytes, {
      ...(volumeIndex !== undefined && { volumeIndex }),
      ...(reorient !== undefined && { reorient }),
    }),
    options,
  );
}

/** Whether it has frames to give. */
export const isSource = (x: unknown): x is FrameSource =>
  typeof x === "object" && x !== null && typeof (x as { readonly frames?: unknown }).frames === "function";
