import { EncodedPacketSink, type InputVideoTrack, VideoSampleSink } from "mediabunny";
import { ProcessorError } from "../../errors.js";
import { videoFrameImage, videoFramePlanes } from "../../input/video-frame.js";
import type { InputWarning } from "../../input/warning.js";
import { clipLimits, sampled, type VideoOptions, type VideoSource } from "../source.js";
import { type YuvFrame, yuvToRgb } from "../yuv.js";
import { openedInput } from "./input.js";
import { readPackets } from "./packets.js";
import { turned } from "./turn.js";

/**
 * {@link openVideo} in a page: mediabunny takes the file apart, the browser's VideoDecoder decodes. Which frames there are,
 * the packets tell, as in Node.
 */
export async function openInPage(file: Uint8Array | Blob, options: VideoOptions): Promise<VideoSource> {
  if (typeof VideoDecoder !== "function")
    throw new ProcessorError(
      "video-decoder-missing",
      "this browser has no VideoDecoder (WebCodecs, in pages of https or localhost alone); give frames",
    );
  const limits = clipLimits(options.limits);
  return withTrack(file, async (track) => {
    const [width, height] = [await track.getCodedWidth(), await track.getCodedHeight()];
    if (width * height > limits.maxPixels)
      throw new ProcessorError(
        "input-too-large",
        `frames of ${width} x ${height} are over the limit of ${limits.maxPixels} pixels (maxPixels)`,
      );
    const rotation = await track.getRotation();
    const { times, cut, videoFps } = await readPackets(new EncodedPacketSink(track), await track.getTimeResolution());
    options.signal?.throwIfAborted();
    const total = times.length;
    const { indices, timestamps } = sampled({ total, videoFps }, options, limits.maxFrames);
    const message = `the file is cut: its first ${total} frames can be read`;
    const warnings: InputWarning[] = cut ? [{ code: "partial", message }] : [];
    const wanted = indices.map((i) => times[i]!);
    return {
      kind: "video",
      count: indices.length,
      ...(rotation % 180 === 0 ? { width, height } : { width: height, height: width }),
      indices,
      timestamps,
      total,
      videoFps,
      codec: (await track.getCodec()) ?? "unknown",
      warnings,
      async *frames({ signal } = {}) {
        for await (const [frame, yuv] of decoded(file, wanted, signal)) {
          const image = yuv ? yuvToRgb(yuv) : await videoFrameImage(frame);
          yield turned(image, rotation);
        }
      },
      ...(rotation === 0 && { planes: (reading) => planes(file, wanted, reading?.signal) }),
    };
  });
}

async function* planes(file: Uint8Array | Blob, wanted: readonly number[], signal?: AbortSignal) {
  for await (const [, yuv] of decoded(file, wanted, signal)) {
    if (yuv === undefined)
      throw new ProcessorError("video-unsupported", "the browser gives no 8-bit planes of this clip");
    yield yuv;
  }
}

/** Each frame as the browser gave it, open until the next is asked for, and its planes where it has 8-bit ones. */
async function* decoded(
  file: Uint8Array | Blob,
  wanted: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<readonly [VideoFrame, YuvFrame | undefined]> {
  const input = openedInput(file);
  try {
    const track = (await guarded(() => input.getPrimaryVideoTrack()))!;
    // What the file says; the browser has an opinion of its own where that is nothing.
    const { matrix, fullRange } = await track.getColorSpace();
    const samples = new VideoSampleSink(track).samplesAtTimestamps(wanted);
    for (let i = 0; i < wanted.length; i++) {
      signal?.throwIfAborted();
      const { value: sample } = await guarded(() => samples.next());
      if (!sample) throw tooFew(i, wanted.length);
      const frame = sample.toVideoFrame();
      sample.close();
      try {
        yield [frame, await videoFramePlanes(frame, { matrix, fullRange })];
      } finally {
        frame.close();
      }
    }
  } finally {
    input.dispose();
  }
}

async function withTrack<T>(file: Uint8Array | Blob, run: (track: InputVideoTrack) => Promise<T>): Promise<T> {
  const input = openedInput(file);
  try {
    return await guarded(async () => {
      const track = await input.getPrimaryVideoTrack();
      if (track === null && (await input.getTracks()).length > 0)
        throw new ProcessorError("video-unsupported", "the file holds no moving picture");
      if (track === null) throw new ProcessorError("video-corrupt", "the file is cut or broken: it has no index");
      if (!(await track.canDecode()))
        throw new ProcessorError("video-unsupported", "this browser has no decoder for the clip");
      return await run(track);
    });
  } finally {
    input.dispose();
  }
}

/** What others throw over a file is that the file is broken; their words are not shown, since they may quote it. */
async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof ProcessorError || (cause as Error).name === "AbortError") throw cause;
    throw new ProcessorError("video-corrupt", "the clip is cut or damaged", { cause });
  }
}

const tooFew = (found: number, promised: number) =>
  new ProcessorError(
    "video-corrupt",
    `the clip ends after ${found} of the ${promised} frames that were to be shown: it is cut or broken`,
  );
