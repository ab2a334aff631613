import { ProcessorError } from "../errors.js";
import { checkBytes, type FileInput, fileHead, fileSize } from "../input/file.js";
import { inputLimits } from "../input/limits.js";
import { inNode } from "../platform.js";
import { SNIFF_BYTES, sniffVideo, type VideoContainer } from "./container.js";
import { openByFfmpeg } from "./ffmpeg/open.js";
import { gifVideo } from "./gif.js";
import type { VideoOptions, VideoSource } from "./source.js";

const IN_PAGES: ReadonlySet<VideoContainer> = new Set(["mp4", "matroska", "mpegts"]);

/**
 * Opens a clip: a path (Node), bytes or a Blob. What it is, its first bytes tell. The frames to show are picked as the
 * released code picks them, and decoded when they are asked for, a few at a time: in Node by the program ffmpeg, in a page
 * by the browser (WebCodecs). An animated GIF needs neither; it is sampled as the released code samples GIFs.
 *
 * Frames stand as the file says that they are to be turned. 8-bit YUV becomes RGB by {@link yuvToRgb}, in Node and in
 * pages alike.
 * @throws ProcessorError `video-format` (no clip that is known by its first bytes), `video-decoder-missing`,
 *   `video-corrupt` (no index, no frame), `video-unsupported` (no moving picture, no decoder for it), `video-timeout`,
 *   `video-sampling`, `video-frames` (the range holds none), `input-file`, `input-too-large`; the signal's reason
 */
export async function openVideo(input: FileInput, options: VideoOptions = {}): Promise<VideoSource> {
  options.signal?.throwIfAborted();
  const limits = inputLimits(options.limits);
  const size = await fileSize(input);
  checkBytes(size, limits.maxBytes);
  const container = sniffVideo(await fileHead(input, SNIFF_BYTES));
  if (container === undefined) {
    const what = size === 0 ? "the file is empty" : "the first bytes match no known clip";
    const known = "MP4, QuickTime, Matroska, WebM, AVI, MPEG streams, FLV, ASF and GIF are read";
    throw new ProcessorError("video-format", `${what}; ${known}`);
  }
  if (container === "gif") return gifVideo(input, options);
  if (inNode()) return openByFfmpeg(input, container, options);
  if (typeof input === "string") throw new ProcessorError("input-file", "a page has no paths: give a Blob, or bytes");
  if (!IN_PAGES.has(container)) {
    const what = "in pages, MP4, QuickTime, Matroska, WebM and MPEG transport streams are read";
    throw new ProcessorError("video-unsupported", `${what}; convert the clip, or give its frames`);
  }
  const { openInPage } = await import("./web/open.js");
  return openInPage(input, options);
}
