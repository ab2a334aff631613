import type { FileInput, FrameSource } from "@hulu/processor";
import type { ShownPart } from "./content.js";
import { EngineError } from "./error.js";
import { areFiles, areWhole, isFile } from "./file-input.js";
import { isSource, type OpenedPart, openPart } from "./open.js";
import { FramesHash, hashOfFiles, hashOfFrames, isRandom, randomName } from "./visual-identity.js";

// A conversation does not hold pixels. It knows each input by a hash, and reads it again where its pixels are needed again:
// the caller owns bytes and files, and may have put another picture into them since.

interface Whole {
  readonly files: readonly FileInput[];
  /** All that decides which frames come out of them. */
  readonly reading: unknown;
}

/** A clip or a volume that is files, if they are all of it. A picture is known by its pixels, from whatever file. */
async function filesOf(part: ShownPart): Promise<Whole | undefined> {
  if (part.type === "image") return undefined;
  const {
    timestamps: _,
    video,
    volume,
    frames: __,
    limits: ___,
    ...reading
  } = part as ShownPart & Readonly<Record<string, unknown>>;
  const given = video ?? volume;
  if (!areFiles(given)) return undefined;
  const files = isFile(given) ? [given] : given;
  if (!(await areWhole(files))) return undefined;
  const entries = Object.entries(reading).filter(([, value]) => value !== undefined);
  return { files, reading: entries.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/** Whether its frames can be read once, and then no more. */
const isFleeting = (part: ShownPart): boolean =>
  part.type === "video" &&
  part.frames === undefined &&
  !areFiles(part.video) &&
  !isSource(part.video) &&
  typeof part.video !== "function";

/**
 * What a part is known by.
 * @param once whether it never has to be known again
 */
export async function identify(
  part: ShownPart,
  { source }: OpenedPart,
  once: boolean,
  signal?: AbortSignal,
): Promise<string> {
  if (once || isFleeting(part)) return randomName();
  const whole = await filesOf(part);
  return whole === undefined ? hashOfFrames(source, signal) : hashOfFiles(whole.files, whole.reading, signal);
}

/** The frames of a part that was identified just now. */
export async function sourceOnce(part: ShownPart, { source }: OpenedPart, hash: string): Promise<FrameSource> {
  // A picture's pixels are those that were hashed. A clip is decoded a second time, unless its files were hashed.
  return part.type === "image" || (await filesOf(part)) !== undefined ? source : verified(source, hash);
}

/**
 * The frames of a part that was identified before.
 * @throws EngineError `content-changed` where they are others now; of a clip's frames it is told when the last comes;
 *   `visual-forgotten` where they can be read once only
 */
export async function sourceAgain(part: ShownPart, hash: string, signal?: AbortSignal): Promise<FrameSource> {
  if (isFleeting(part))
    throw new EngineError(
      "visual-forgotten",
      "the frames of an iterable would have to be read again; give a function that makes it",
    );
  const whole = await filesOf(part);
  if (whole !== undefined && !isRandom(hash) && (await hashOfFiles(whole.files, whole.reading, signal)) !== hash)
    throw changed();
  const { source } = await openPart(part, signal);
  return whole === undefined ? verified(source, hash) : source;
}

/** A random name cannot tell frames from others, and does not deny them. */
function verified(source: FrameSource, hash: string): FrameSource {
  if (isRandom(hash)) return source;
  const { kind, count, width, height } = source;
  return {
    ...{ kind, count, width, height },
    async *frames(options) {
      const seen = new FramesHash();
      let given = 0;
      for await (const frame of source.frames(options)) {
        await seen.add(frame);
        // Before it is used.
        if (++given === count && (await seen.value()) !== hash) throw changed();
        yield frame;
      }
      if (given < count) throw changed();
    },
  };
}

const changed = () =>
  new EngineError(
    "content-changed",
    "the bytes of a picture changed after it was given; give each picture bytes of its own",
  );
