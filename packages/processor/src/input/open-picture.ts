import { decodeImage } from "../image/decode.js";
import { checkGif } from "../image/gif.js";
import type { RgbImage } from "../image/rgb.js";
import type { ImageFormat } from "../image/sniff.js";
import { frameFiles } from "../video/folder.js";
import { openVideo } from "../video/open.js";
import type { VideoOptions, VideoSource } from "../video/source.js";
import { type FileInput, fileBytes } from "./file.js";
import type { InputFormat } from "./format.js";
import { frameSource } from "./frame-source.js";
import { inputLimits } from "./limits.js";
import type { OpenedInput, OpenOptions } from "./opened.js";

/** One picture, of an animation its first. */
export async function openPicture(file: FileInput, format: ImageFormat, options: OpenOptions): Promise<OpenedInput> {
  const image = await readPicture(file, options);
  const { width, height } = image;
  const kind = options.as ?? "image";
  return {
    format,
    source: frameSource([image], { kind }),
    warnings: [],
    facts: async () => ({ width, height, frames: 1 }),
  };
}

async function readPicture(file: FileInput, { limits, grey16 }: OpenOptions): Promise<RgbImage> {
  const bounds = inputLimits(limits);
  const bytes = await fileBytes(file, { limits: bounds });
  return decodeImage(bytes, { maxPixels: bounds.maxPixels, ...(grey16 && { grey16 }) });
}

/** A clip; of an animated GIF too. A GIF of one frame is a picture unless a clip is asked for. */
export async function openClip(file: FileInput, format: InputFormat, options: OpenOptions): Promise<OpenedInput> {
  if (format === "gif" && options.as === undefined && (await isStill(file, options)))
    return openPicture(file, format, options);
  return clipInput(format, await openVideo(file, videoOptions(options)), options);
}

const isStill = async (file: FileInput, { limits }: OpenOptions): Promise<boolean> =>
  checkGif(await fileBytes(file, { limits: inputLimits(limits) })) < 2;

/** Pictures as the frames of a clip; see {@link frameFiles}. */
export async function openFrames(files: readonly FileInput[], options: OpenOptions): Promise<OpenedInput> {
  return clipInput("frames", await frameFiles(files, videoOptions(options)), options);
}

function videoOptions(options: OpenOptions): VideoOptions {
  const { limits, signal, ffmpeg, gifTimes, damage, rule, fps, maxFrames, start, end } = options;
  return {
    ...{ fps, maxFrames, start, end, ffmpeg, signal },
    ...(limits && { limits }),
    ...(rule && { rule }),
    ...(gifTimes && { gifTimes }),
    ...(damage && { damage }),
  };
}

function clipInput(format: OpenedInput["format"], source: VideoSource, { as }: OpenOptions): OpenedInput {
  const { width, height, total, videoFps, codec, indices, warnings } = source;
  const facts = { width, height, frames: total, seconds: total / videoFps, fps: videoFps, codec };
  return {
    format,
    source: as === undefined ? source : { ...source, kind: as },
    warnings,
    facts: async () => ({ ...facts, ...(indices.length < total && { indices }) }),
  };
}
