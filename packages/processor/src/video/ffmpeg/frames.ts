import { ProcessorError } from "../../errors.js";
import type { RgbImage } from "../../image/rgb.js";
import { type YuvFrame, type YuvLayout, type YuvMatrix, yuvBytes } from "../yuv.js";
import { type ClipInput, everyFrame, inputArgs } from "./args.js";
import type { FfmpegStream } from "./log.js";
import { damagedClip, type Probe, type ProbeOptions } from "./probe.js";
import { type FfmpegRun, startFfmpeg } from "./run.js";
import { selection } from "./select.js";

/** How 8-bit planes are called. `j` says that the range is full. All other kinds are turned into RGB by ffmpeg. */
const PLANES: ReadonlyMap<string, YuvLayout> = new Map([
  ["yuv420p", "4:2:0"],
  ["yuvj420p", "4:2:0"],
  ["yuv422p", "4:2:2"],
  ["yuvj422p", "4:2:2"],
  ["yuv444p", "4:4:4"],
  ["yuvj444p", "4:4:4"],
]);

const MATRICES: ReadonlyMap<string | undefined, YuvMatrix> = new Map([
  ["bt709", "bt709"],
  ["fcc", "fcc"],
  ["smpte240m", "smpte240m"],
  ["bt2020nc", "bt2020"],
  ["bt2020c", "bt2020"],
]);

/** Whether frames come as planes, not as RGB. */
export const isPlanar = ({ stream }: Probe): boolean => PLANES.has(stream.pixels);

/** Size of the frames as they are shown: a file may say that they are to be turned, and ffmpeg turns them. */
export function shownSize({ stream }: Probe): { width: number; height: number } {
  const { width, height, rotation } = stream;
  return Math.abs(Math.round(rotation / 90)) % 2 === 1 ? { width: height, height: width } : { width, height };
}

/**
 * The frames of these numbers, one after the other as they are asked for, decoded to planes or to RGB.
 * @param indices rising, at least one
 * @throws ProcessorError `video-corrupt` where frames are damaged or fewer than promised; `video-timeout`
 */
export async function* decodedFrames(
  clip: ClipInput,
  probe: Probe,
  indices: readonly number[],
  options: ProbeOptions,
): AsyncGenerator<YuvFrame | RgbImage> {
  const { width, height } = shownSize(probe);
  const layout = PLANES.get(probe.stream.pixels);
  const { expression, count, wanted } = selection(indices);
  const run = await startFfmpeg(
    options.program,
    [
      ...inputArgs(clip, width * height),
      ...["-vf", `select='${expression}'`, "-frames:v", String(count), ...everyFrame(probe.version)],
      ...(layout === undefined ? ["-pix_fmt", "rgb24"] : []),
      ...["-f", "rawvideo", "pipe:1"],
    ],
    options.signal,
  );
  const size = layout === undefined ? width * height * 3 : yuvBytes(width, height, layout);
  const strict = options.damage === "refuse" && !probe.cut;
  try {
    const next = frameReader(run, size);
    for (let i = 0; i < count; i++) {
      const data = await next(patience(options, probe, i === 0 ? indices[0]! : gap(indices)));
      if (strict && run.log.damaged) throw damagedClip();
      if (data === undefined) throw tooFew(i, count);
      if (i === 0) checkOutput(await run.described, probe, width, height);
      if (!wanted(i)) continue;
      if (layout === undefined) yield { data, width, height };
      else yield { data, width, height, layout, ...colour(probe) };
    }
    if (strict && (await finished(run, options.patience))) throw damagedClip();
  } finally {
    await run.stop();
  }
}

function colour({ stream }: Probe): Pick<YuvFrame, "matrix" | "fullRange"> {
  const fullRange = stream.range === "pc" || stream.pixels.startsWith("yuvj");
  return { matrix: MATRICES.get(stream.matrix) ?? "bt601", fullRange };
}

/** Between two wanted frames others are decoded in silence; a slow machine does at least ten megapixels in a second. */
const patience = ({ patience }: ProbeOptions, { stream }: Probe, skipped: number) =>
  patience + (skipped * stream.width * stream.height) / 1e4;

/** The most frames between two that are wanted. */
function gap(indices: readonly number[]): number {
  let most = 1;
  for (let i = 1; i < indices.length; i++) most = Math.max(most, indices[i]! - indices[i - 1]!);
  return most;
}

/** Whole frames out of what comes through the pipe in pieces; `undefined` where it ends, even inside a frame. */
function frameReader(run: FfmpegRun, size: number): (patience: number) => Promise<Uint8Array | undefined> {
  let rest = new Uint8Array(0);
  return async (patience) => {
    const frame = new Uint8Array(size);
    for (let filled = 0; filled < size; ) {
      const piece = rest.length > 0 ? rest : await run.read(patience);
      if (piece === undefined) return undefined;
      const taken = piece.subarray(0, size - filled);
      frame.set(taken, filled);
      filled += taken.length;
      rest = piece.subarray(taken.length) as Uint8Array<ArrayBuffer>;
    }
    return frame;
  };
}

/** What ffmpeg says that it sends must be what its bytes were taken for. */
function checkOutput(stream: FfmpegStream | undefined, probe: Probe, width: number, height: number): void {
  const same = (name: string) => name.replace("yuvj", "yuv");
  const wanted = PLANES.has(probe.stream.pixels) ? same(probe.stream.pixels) : "rgb24";
  if (stream?.width !== width || stream.height !== height || same(stream.pixels) !== wanted)
    throw new ProcessorError("video-corrupt", `the frames are not what the header says, ${width} x ${height}`);
}

async function finished(run: FfmpegRun, patience: number): Promise<boolean> {
  while ((await run.read(patience)) !== undefined);
  await run.exit(patience);
  return run.log.damaged;
}

function tooFew(found: number, promised: number): ProcessorError {
  const message = `the clip ends after ${found} of the ${promised} frames that were to be shown: it is cut or broken`;
  return new ProcessorError("video-corrupt", message);
}
