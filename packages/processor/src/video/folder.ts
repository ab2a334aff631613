import { ProcessorError } from "../errors.js";
import { decodeImage } from "../image/decode.js";
import { type FileInput, fileBytes } from "../input/file.js";
import { inputLimits } from "../input/limits.js";
import { sampleSequence } from "./sampling.js";
import { sampled, type VideoOptions, type VideoSource } from "./source.js";

/** The frame rate that the released code takes a folder of frames to have. */
export const FOLDER_FPS = 1;

/**
 * Pictures in a row as a clip, as the released code takes a folder of frames: one a second, picked by
 * {@link sampleSequence}. Each is decoded when it is asked for; the first at once, for its size. The released code leaves
 * out pictures that it cannot read; here they are refused, since the rest would stand at wrong times.
 * @param files in order; the released code sorts a folder's by name, character by character
 * @throws ProcessorError `video-frames` where there is none; `video-sampling`, `input-file`, `input-too-large`, `image-*`
 */
export async function frameFiles(files: readonly FileInput[], options: VideoOptions = {}): Promise<VideoSource> {
  const limits = inputLimits(options.limits);
  if (files.length === 0) throw new ProcessorError("video-frames", "there is no picture");
  const clip = { total: files.length, videoFps: FOLDER_FPS };
  const { indices, timestamps } = sampled(clip, options, limits.maxFrames, sampleSequence);
  const picture = async (index: number) =>
    decodeImage(await fileBytes(files[index]!, { limits }), { maxPixels: limits.maxPixels });
  const { width, height } = await picture(indices[0]!);
  return {
    kind: "video",
    count: indices.length,
    width,
    height,
    indices,
    timestamps,
    ...clip,
    codec: "pictures",
    warnings: [],
    async *frames({ signal } = {}) {
      for (const index of indices) {
        signal?.throwIfAborted();
        yield await picture(index);
      }
    },
  };
}
