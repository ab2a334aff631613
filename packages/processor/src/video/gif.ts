import { decodeFrames } from "../image/decode.js";
import { type FileInput, fileBytes } from "../input/file.js";
import { frameSource } from "../input/frame-source.js";
import { inputLimits } from "../input/limits.js";
import { GIF_FPS, sampleSequence } from "./sampling.js";
import { sampled, type VideoOptions, type VideoSource } from "./source.js";

/**
 * An animated GIF as a clip, sampled as the released code does it: its frames are taken to last 1/25 s each, whatever the
 * file says, and picked by {@link sampleSequence}; `start` and `end` count in those seconds. All frames are decoded at
 * once, so `maxPixels` holds for all together.
 * @throws ProcessorError `image-*`, `video-sampling`, `video-frames`, `input-file`, `input-too-large`
 */
export async function gifVideo(input: FileInput, options: VideoOptions = {}): Promise<VideoSource> {
  const limits = inputLimits(options.limits);
  const bytes = await fileBytes(input, { limits });
  options.signal?.throwIfAborted();
  const { frames, delays } = await decodeFrames(bytes, { maxPixels: limits.maxPixels });
  const clip = { total: frames.length, videoFps: GIF_FPS };
  const { indices, timestamps } = sampled(clip, options, limits.maxFrames, sampleSequence);
  const shown = options.gifTimes === "file" && delays ? begins(delays) : undefined;
  return {
    ...frameSource(indices.map((i) => frames[i]!)),
    kind: "video",
    indices,
    timestamps: shown ? indices.map((i) => shown[i]!) : timestamps,
    total: frames.length,
    videoFps: GIF_FPS,
    codec: "gif",
    warnings: [],
  };
}

/** Seconds at which each frame begins, from how long each is shown (milliseconds). */
function begins(delays: readonly number[]): number[] {
  let milliseconds = 0;
  return delays.map((delay) => {
    const begin = milliseconds / 1000;
    milliseconds += delay;
    return begin;
  });
}
