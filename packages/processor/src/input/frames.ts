import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import type { FrameSource } from "./frame-source.js";
import { type PictureInput, type PictureOptions, pictureOf } from "./picture.js";

export interface FramesOptions extends PictureOptions {
  /** Frames that there will be. It must be known: the size of all depends on it. */
  readonly count: number;
  /** Seconds since the clip's begin, one per frame. */
  readonly timestamps?: readonly number[];
  /** Instead of `timestamps`: frames per second. */
  readonly fps?: number;
  /** Default `"video"`. */
  readonly kind?: FrameSource["kind"];
}

/**
 * Frames that come from somewhere else, as they come: from a camera, a decoder, a viewer. The first is taken at once, for
 * its size. Each is copied before the next is asked for, so whoever gives frames may then close or reuse them.
 *
 * An iterable can be read once, so the frames can be asked for once. A function that makes one lets them be read again.
 * @throws ProcessorError `video-frames` where there is none, or not one timestamp per frame; while reading, where fewer
 *   come than promised, or they are read a second time; and as {@link pictureOf}
 */
export async function framesOf(
  given: AsyncIterable<PictureInput> | (() => AsyncIterable<PictureInput>),
  options: FramesOptions,
): Promise<FrameSource> {
  const { count, kind = "video", fps } = options;
  if (!Number.isSafeInteger(count) || count < 1)
    throw new ProcessorError("video-frames", "count must be a positive integer");
  if (fps !== undefined && !(fps > 0 && Number.isFinite(fps)))
    throw new ProcessorError("video-frames", "fps must be positive");
  const timestamps = options.timestamps ?? (fps && Array.from({ length: count }, (_, i) => i / fps));
  if (timestamps && timestamps.length !== count)
    throw new ProcessorError("video-frames", `${count} frames have ${timestamps.length} timestamps`);

  const begin = () => (typeof given === "function" ? given() : given)[Symbol.asyncIterator]();
  let begun: Begun | undefined = await start(begin(), options);
  const { width, height } = begun.first;
  return {
    kind,
    count,
    width,
    height,
    ...(timestamps && { timestamps }),
    async *frames({ signal } = {}) {
      signal?.throwIfAborted();
      if (begun === undefined && typeof given !== "function")
        throw new ProcessorError("video-frames", "the frames were read already; give a function that makes them again");
      const { first, rest } = begun ?? (await start(begin(), options));
      begun = undefined;
      try {
        yield first;
        for (let i = 1; i < count; i++) {
          signal?.throwIfAborted();
          const next = await rest.next();
          if (next.done) throw tooFew(i, count);
          yield await pictureOf(next.value, options);
        }
      } finally {
        await rest.return?.();
      }
    },
  };
}

interface Begun {
  readonly first: RgbImage;
  readonly rest: AsyncIterator<PictureInput>;
}

async function start(rest: AsyncIterator<PictureInput>, options: FramesOptions): Promise<Begun> {
  const next = await rest.next();
  if (next.done) throw tooFew(0, options.count);
  try {
    return { first: await pictureOf(next.value, options), rest };
  } catch (error) {
    await rest.return?.();
    throw error;
  }
}

const tooFew = (found: number, promised: number) =>
  new ProcessorError("video-frames", `${found} frames came of the ${promised} that were promised`);
