import type { FileInput, FrameSource } from "@hulu/processor";
import type { ShownPart } from "./content.js";
import { EngineError } from "./error.js";
import { isFile } from "./file-input.js";
import { openPart } from "./open.js";
import { FramesHash, hashOfFile, hashOfFrames, isRandom, randomName } from "./visual-identity.js";

// A conversation does not hold pixels. It knows each input by a hash, and reads it again where its pixels are needed again:
// the caller owns bytes and files, and may have put another picture into them since.

/** A clip or a volume that is a file, and all that decides which frames come out of it. */
function fileOf(part: ShownPart): { readonly file: FileInput; readonly reading: unknown } | undefined {
  if (part.type === "image") return undefined;
  const { timestamps: _, ...reading } = part as typeof part & Readonly<Record<string, unknown>>;
  const file = part.type === "video" ? part.video : part.volume;
  if (!isFile(file)) return undefined;
  const entries = Object.entries(reading).filter(([, value]) => value !== file && value !== undefined);
  return { file, reading: entries.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/**
 * What a part is known by.
 * @param once whether it never has to be known again
 */
export async function identify(
  part: ShownPart,
  source: FrameSource,
  once: boolean,
  signal?: AbortSignal,
): Promise<string> {
  if (once) return randomName();
  const found = fileOf(part);
  return found === undefined ? hashOfFrames(source, signal) : hashOfFile(found.file, found.reading, signal);
}

/** The frames of a part that was identified just now. */
export function sourceOnce(part: ShownPart, source: FrameSource, hash: string): FrameSource {
  // A picture's pixels are those that were hashed. A clip is decoded a second time, unless its file was hashed.
  return part.type === "image" || fileOf(part) !== undefined ? source : verified(source, hash);
}

/**
 * The frames of a part that was identified before.
 * @throws EngineError `content-changed` where they are others now; of a clip's frames it is told when the last comes
 */
export async function sourceAgain(part: ShownPart, hash: string, signal?: AbortSignal): Promise<FrameSource> {
  const found = fileOf(part);
  if (found !== undefined && !isRandom(hash) && (await hashOfFile(found.file, found.reading, signal)) !== hash)
    throw changed();
  const source = await openPart(part);
  return found === undefined ? verified(source, hash) : source;
}

/** A random name cannot tell frames from others, and does not deny them. */
function verified(source: FrameSource, hash: string): FrameSource {
  if (isRandom(hash)) return source;
  return {
    ...source,
    async *frames(options) {
      const seen = new FramesHash();
      let count = 0;
      for await (const frame of source.frames(options)) {
        await seen.add(frame);
        // Before it is used.
        if (++count === source.count && (await seen.value()) !== hash) throw changed();
        yield frame;
      }
      if (count < source.count) throw changed();
    },
  };
}

const changed = () =>
  new EngineError(
    "content-changed",
    "the bytes of a picture changed after it was given; give each picture bytes of its own",
  );
