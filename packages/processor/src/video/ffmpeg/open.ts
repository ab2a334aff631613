import type { FileInput } from "../../input/file.js";
import type { VideoContainer } from "../container.js";
import { clipLimits, sampled, type VideoOptions, type VideoSource } from "../source.js";
import { type YuvFrame, yuvToRgb } from "../yuv.js";
import { decodedFrames, isPlanar, shownSize } from "./frames.js";
import { placed, withPath } from "./input.js";
import { type ProbeOptions, probe } from "./probe.js";
import { findFfmpeg } from "./program.js";

/** Seconds that ffmpeg may be silent. */
const TIMEOUT = 30;

/** {@link openVideo} in Node, once it is known what the file is. */
export async function openByFfmpeg(
  input: FileInput,
  container: Exclude<VideoContainer, "gif">,
  options: VideoOptions,
): Promise<VideoSource> {
  const { maxPixels, maxFrames } = clipLimits(options.limits);
  const { damage = "refuse", timeout = TIMEOUT } = options;
  const program = await findFfmpeg(options.ffmpeg, options.signal);
  const running = (signal?: AbortSignal): ProbeOptions => ({ program, damage, patience: timeout * 1000, signal });
  const clipOf = (path: string) => ({ path, container, maxPixels });
  const probed = await withPath(input, (path) => probe(clipOf(path), running(options.signal)));
  const { indices, timestamps } = sampled({ total: probed.total, videoFps: probed.fps }, options, maxFrames);

  async function* decode(signal?: AbortSignal) {
    const place = await placed(input);
    try {
      yield* decodedFrames(clipOf(place.path), probed, indices, running(signal));
    } finally {
      await place.remove();
    }
  }
  async function* planes({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    for await (const frame of decode(signal)) yield frame as YuvFrame;
  }
  return {
    kind: "video",
    count: indices.length,
    ...shownSize(probed),
    indices,
    timestamps,
    ...(probed.times && { fileTimes: indices.map((i) => probed.times![i]!) }),
    total: probed.total,
    videoFps: probed.fps,
    codec: probed.stream.codec,
    warnings: probed.warnings,
    async *frames({ signal } = {}) {
      for await (const frame of decode(signal)) yield "layout" in frame ? yuvToRgb(frame) : frame;
    },
    ...(isPlanar(probed) && { planes }),
  };
}
