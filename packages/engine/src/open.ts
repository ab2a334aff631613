import {
  CT_WINDOWS,
  checkRgb,
  type FrameSource,
  frameSource,
  framesOf,
  type InputWarning,
  type OpenOptions,
  openInput,
  type PictureInput,
  pictureOf,
  type RgbImage,
  reorientRas,
  type SliceOptions,
  typedVolume,
  volumeSource,
} from "@hulu/processor";
import type { ClipPart, Files, FramesPart, ImageInput, Reading, ShownPart, VolumePart } from "./content.js";
import { EngineError } from "./error.js";
import { areFiles, isFile } from "./file-input.js";

// The one place that knows how an input is read: whatever it is, frames come out of it.

/** What a part shows, and what is odd about it. */
export interface OpenedPart {
  readonly source: FrameSource;
  readonly warnings: readonly InputWarning[];
}

/**
 * The frames that a part shows, read as they are asked for.
 * @throws ProcessorError for a file that is not what it should be; EngineError `content-invalid`
 */
export async function openPart(part: ShownPart, signal?: AbortSignal): Promise<OpenedPart> {
  switch (part.type) {
    case "image":
      return openPicture(part.image, part, signal);
    case "video":
      return part.frames === undefined ? openClip(part, signal) : { source: await listed(part), warnings: [] };
    case "volume":
      return openVolume(part, signal);
  }
}

/** What a part says about reading, and nothing else that may stand in it: a part may be a stranger's. */
function openOptions(part: Reading, as: OpenOptions["as"], signal: AbortSignal | undefined): OpenOptions {
  const { window, frame, grey16, limits, axis, rule, numSlices, view, volumeIndex, reorient, series } = part;
  const { fps, maxFrames, start, end, gifTimes, damage } = part;
  const slices = { axis, rule, numSlices, view, volumeIndex, reorient, series };
  return { as, signal, window, frame, grey16, limits, ...slices, fps, maxFrames, start, end, gifTimes, damage };
}

async function openFiles(files: Files, part: ShownPart, signal: AbortSignal | undefined): Promise<OpenedPart> {
  const { source, warnings } = await openInput(files, openOptions(part, part.type, signal));
  return { source, warnings };
}

async function openPicture(image: ImageInput, part: Reading, signal?: AbortSignal): Promise<OpenedPart> {
  // A path would let whoever writes a message open files; of pictures their bytes are at hand.
  if (typeof image !== "object" || image === null)
    throw new EngineError("content-invalid", "a picture is the bytes of a file, a Blob, or { data, width, height }");
  if (!isFile(image)) return { source: frameSource([await pixelsOf(image, part)], { kind: "image" }), warnings: [] };
  const { source, warnings } = await openInput(image, openOptions(part, "image", signal));
  if (source.count === 1) return { source, warnings };
  throw new EngineError(
    "content-invalid",
    `a picture is one frame; this file has ${source.count}: give it as a video or a volume`,
  );
}

async function pixelsOf(image: Exclude<ImageInput, Uint8Array | Blob>, { range }: Reading): Promise<RgbImage> {
  if (!isRgb(image)) return pictureOf(image as PictureInput, range === undefined ? {} : { range });
  checkRgb(image);
  return image;
}

/** Whether its samples can stay where they are. */
function isRgb(image: object): image is RgbImage {
  const { data, width, height } = image as Partial<RgbImage>;
  return data instanceof Uint8Array && data.length === Number(width) * Number(height) * 3;
}

/** Frames that are given one by one: each is decoded when its turn comes, and not held. */
async function listed(part: FramesPart): Promise<FrameSource> {
  const { frames: pictures } = part;
  const open = async (i: number, signal?: AbortSignal) => (await openPicture(pictures[i]!, part, signal)).source;
  const { width, height } = await open(0);
  return {
    kind: "video",
    count: pictures.length,
    width,
    height,
    async *frames({ signal } = {}) {
      for (let i = 0; i < pictures.length; i++) {
        signal?.throwIfAborted();
        yield* (await open(i, signal)).frames({ signal });
      }
    },
  };
}

async function openClip(part: ClipPart, signal?: AbortSignal): Promise<OpenedPart> {
  const { video, count, fps, range } = part;
  if (areFiles(video)) return openFiles(video, part, signal);
  if (isSource(video)) return { source: truthful(video), warnings: [] };
  const times = { ...(fps !== undefined && { fps }), ...(range && { range }) };
  return { source: await framesOf(video, { count: count as number, ...times }), warnings: [] };
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

async function openVolume(part: VolumePart, signal?: AbortSignal): Promise<OpenedPart> {
  const { volume, axis, rule = "hf", numSlices, view, window, reorient, limits } = part;
  if (areFiles(volume)) return openFiles(volume, part, signal);
  if (isSource(volume)) return { source: truthful(volume), warnings: [] };
  if (view === "stored") throw new EngineError("content-invalid", "the view of a volume is upstream or radiological");
  const bounds = limits === undefined ? {} : { limits };
  const held = "plane" in volume ? volume : typedVolume(volume, bounds);
  const values = sliceWindow(window);
  const source = volumeSource(reorient === "RAS" ? reorientRas(held) : held, {
    rule,
    ...(axis !== undefined && { axis }),
    ...(numSlices !== undefined && { numSlices }),
    ...(view !== undefined && { view }),
    ...(values && { window: values }),
    ...bounds,
  });
  return { source, warnings: [] };
}

/** The window of a volume in memory, which has none of its own. */
function sliceWindow(window: Reading["window"]): SliceOptions["window"] {
  if (window === undefined || window === "min-max" || window === "slice-min-max") return undefined;
  if (typeof window === "string" && Object.hasOwn(CT_WINDOWS, window)) return CT_WINDOWS[window as "lung"];
  if (typeof window === "object" && "center" in window) return { center: window.center, width: window.width };
  throw new EngineError(
    "content-invalid",
    `the window of a volume is { center, width }, min-max, or one of ${Object.keys(CT_WINDOWS).join(", ")}`,
  );
}

/** Whether it has frames to give. */
export const isSource = (x: unknown): x is FrameSource =>
  typeof x === "object" && x !== null && typeof (x as { readonly frames?: unknown }).frames === "function";
