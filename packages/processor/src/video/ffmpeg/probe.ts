import { ProcessorError } from "../../errors.js";
import type { InputWarning } from "../../input/warning.js";
import type { Pace } from "../rate.js";
import { type ClipInput, everyFrame, inputArgs } from "./args.js";
import type { FfmpegLog, FfmpegStream } from "./log.js";
import { averageRate } from "./rate.js";
import { type FfmpegRun, startFfmpeg } from "./run.js";

/** What is known of a clip before a frame of it is shown. */
export interface Probe {
  readonly stream: FfmpegStream;
  readonly version: number | undefined;
  /** Frames that the whole clip shows. */
  readonly total: number;
  /** Frames per second on average. */
  readonly fps: number;
  /** Seconds on the file's own clock at which it shows each frame; undefined where it does not say. */
  readonly times: readonly number[] | undefined;
  /** The file ends before its clip does: what is read of it is only its begin. */
  readonly cut: boolean;
  readonly warnings: readonly InputWarning[];
}

export interface ProbeOptions {
  readonly program: string;
  /** Milliseconds that ffmpeg may be silent. */
  readonly patience: number;
  readonly damage: "refuse" | "conceal";
  readonly signal?: AbortSignal | undefined;
}

/** Longer clips are not counted to their end: at 30 frames a second this is a week. */
const MAX_TOTAL = 2 ** 24;

/** More times are not kept: at 30 frames a second they are of ten hours. */
const MAX_TIMES = 2 ** 20;

/** Their packets are not frames one to one, so that frames have to be decoded to be counted. */
const UNCOUNTED: ReadonlySet<string> = new Set(["mpegts", "mpegps", "flv", "asf"]);

/**
 * Reads the whole file once without decoding it, which takes about as long as reading its bytes: the number of frames and
 * their rate come from the packets, not from what the header promises. Where packets do not tell, frames are decoded to be
 * counted.
 * @throws ProcessorError `video-corrupt`, `video-unsupported`, `input-too-large`, `video-timeout`
 */
export async function probe(clip: ClipInput, options: ProbeOptions): Promise<Probe> {
  const args = [...inputArgs(clip), "-copyts", "-c", "copy", "-f", "framecrc", "pipe:1"];
  const { log, packets } = await listed(args, options);
  const { stream } = log;
  if (stream === undefined || packets.count === 0) throw unreadable(log);
  checkSize(stream, clip.maxPixels);
  const tells = !UNCOUNTED.has(clip.container) && !log.cut && !packets.odd;
  const counted = tells ? { packets, damaged: false } : await decoded(clip, log, options);
  const { damaged } = counted;
  const total = counted.packets.count;
  const fps = averageRate(stream.fps, packets);
  const message = log.cut
    ? `the file is cut: its first ${total} frames can be read, the last of them may be damaged`
    : "frames of the clip are damaged; what the decoder makes of them is shown";
  const warnings: InputWarning[] = log.cut || damaged ? [{ code: "partial", message }] : [];
  return { stream, version: log.version, total, fps, times: timesOf(counted.packets), cut: log.cut, warnings };
}

/** Sizes come from the file's header, so they are checked before a frame is asked for. */
function checkSize({ width, height }: FfmpegStream, maxPixels: number): void {
  if (width < 1 || height < 1) throw new ProcessorError("video-corrupt", "the frames have no size");
  if (width * height > maxPixels)
    throw new ProcessorError(
      "input-too-large",
      `frames of ${width} x ${height} are over the limit of ${maxPixels} pixels (maxPixels)`,
    );
}

/** Why there is nothing to show. */
function unreadable(log: FfmpegLog): ProcessorError {
  if (log.noVideo) return new ProcessorError("video-unsupported", "the file holds no moving picture");
  if (log.noDecoder) return new ProcessorError("video-unsupported", "this ffmpeg has no decoder for the clip");
  return new ProcessorError("video-corrupt", "the file is cut or broken: it has no index, or no frame");
}

/** What a list of packets, or of frames, tells. */
interface Packets extends Pace {
  /** When each is shown, in ticks, in the order of the file; none that is not told. */
  readonly shown: readonly number[];
  /** Some are not shown, empty or broken. */
  readonly odd: boolean;
}

/** Packets lie in the order of decoding. */
function timesOf({ shown, count, ticks, per }: Packets): number[] | undefined {
  return shown.length === count ? shown.toSorted((a, b) => a - b).map((tick) => (tick * per) / ticks) : undefined;
}

async function decoded(clip: ClipInput, log: FfmpegLog, options: ProbeOptions) {
  // A frame is given as the memory that holds it, so nothing is copied or summed up but a few hundred bytes.
  const { width, height } = log.stream!;
  const output = ["-copyts", ...everyFrame(log.version), "-c:v", "wrapped_avframe", "-f", "framecrc", "pipe:1"];
  const counted = await listed([...inputArgs(clip, width * height), ...output], options);
  if (counted.packets.count === 0) throw unreadable(counted.log);
  if (counted.log.damaged && !log.cut && options.damage === "refuse") throw damagedClip();
  return { packets: counted.packets, damaged: counted.log.damaged };
}

/** Frames that could only be guessed are no pictures of the patient. */
export function damagedClip(): ProcessorError {
  const message = 'frames of the clip are damaged; damage: "conceal" takes what the decoder makes of them';
  return new ProcessorError("video-corrupt", message);
}

async function listed(args: readonly string[], options: ProbeOptions) {
  const run = await startFfmpeg(options.program, args, options.signal);
  try {
    const packets = await readPackets(run, options.patience);
    await run.exit(options.patience);
    return { log: run.log, packets };
  } finally {
    await run.stop();
  }
}

/** The lines of ffmpeg's framecrc format: stream, decoding time, time, duration, bytes, checksum, flags where unusual. */
async function readPackets(run: FfmpegRun, patience: number): Promise<Packets> {
  const packets = { count: 0, ticks: 1, per: 1, span: 0, odd: false, shown: [] as number[] };
  let first = 0;
  const line = (text: string) => {
    const tick = /^#tb 0: (\d+)\/(\d+)/.exec(text);
    if (tick) [packets.per, packets.ticks] = [Number(tick[1]), Number(tick[2])];
    const found = /^0, +(-?\d+), +(-?\d+), +(\d+), +(\d+), 0x[0-9a-f]+(?:, F=0x([0-9A-Fa-f]+))?/.exec(text);
    if (!found) return;
    const [time, shown, duration, bytes] = found.slice(1, 5).map(Number);
    const flags = Number(`0x${found[5] ?? 0}`);
    if (packets.count === 0) first = time!;
    packets.span = time! + duration! - first;
    packets.count++;
    // The least number of 64 bits stands for none.
    if (Number.isSafeInteger(shown) && packets.count <= MAX_TIMES) packets.shown.push(shown!);
    // 2: broken, 4: decoded and not shown.
    if ((flags & 6) !== 0 || bytes === 0) packets.odd = true;
    if (packets.count > MAX_TOTAL)
      throw new ProcessorError("input-too-large", `the clip has more than ${MAX_TOTAL} frames`);
  };
  const decoder = new TextDecoder();
  let rest = "";
  for (let chunk = await run.read(patience); chunk !== undefined; chunk = await run.read(patience)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!.slice(0, 1000);
    lines.forEach(line);
  }
  line(rest);
  return packets;
}
