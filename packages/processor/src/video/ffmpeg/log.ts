/** What ffmpeg says on stderr, kept as facts: no line of it, which may hold paths and tags, is stored or shown. */
export interface FfmpegLog {
  /** Of libavcodec: 59.37 is 59037. It tells which options there are. */
  readonly version: number | undefined;
  /** The stream that goes out, once ffmpeg has set it up. */
  readonly stream: FfmpegStream | undefined;
  /** It found the file cut, or a frame that could only be guessed. */
  readonly cut: boolean;
  readonly damaged: boolean;
  /** It found no picture stream, or has no decoder for it. */
  readonly noVideo: boolean;
  readonly noDecoder: boolean;
}

/** A stream as ffmpeg describes it. */
export interface FfmpegStream {
  readonly codec: string;
  /** Its name for how samples lie in memory, `yuv420p`. */
  readonly pixels: string;
  /** `pc` is the full range. */
  readonly range: "pc" | "tv" | undefined;
  /** Its name for the colour matrix, `bt709`. */
  readonly matrix: string | undefined;
  readonly width: number;
  readonly height: number;
  /** Frames per second on average, to two digits after the point; the least common rate where it knows no average. */
  readonly fps: number | undefined;
  /** Degrees that the file says the picture is to be turned by. */
  readonly rotation: number;
}

/** Reads the lines of one run. */
export interface LogReader extends FfmpegLog {
  line(text: string): void;
}

type Facts = { -readonly [K in keyof FfmpegLog]: FfmpegLog[K] };

export function logReader(): LogReader {
  const facts: Facts & { outside: boolean; decoding: boolean } = {
    version: undefined,
    stream: undefined,
    cut: false,
    damaged: false,
    noVideo: false,
    noDecoder: false,
    // The description of the input repeats what the file's tags say, so only that of the output is believed.
    outside: true,
    // Before that it looks into all streams, sound too, and what it cannot make out of those is no matter.
    decoding: false,
  };
  const line = (text: string) => {
    if (/^\[info\] Output #0, /.test(text)) facts.outside = false;
    if (/^\[info\] Stream mapping:/.test(text)) facts.decoding = true;
    const version = /^\[info\] +libavcodec +(\d+)\. *(\d+)\./.exec(text);
    if (version && facts.version === undefined) facts.version = Number(version[1]) * 1000 + Number(version[2]);
    if (!facts.outside && facts.stream === undefined) facts.stream = streamOf(text);
    const turned = /display ?matrix: rotation of (-?[\d.]+) degrees/i.exec(text);
    if (turned && facts.stream) facts.stream = { ...facts.stream, rotation: Number(turned[1]) };
    if (!/^(\[[^\]]*\] )?\[(warning|error|fatal|panic)\]/.test(text)) return;
    if (/ended prematurely|Read error|partial file|truncat/i.test(text)) facts.cut = true;
    if (facts.decoding && isDamage(text)) facts.damaged = true;
    if (/matches no streams|does not contain any stream/.test(text)) facts.noVideo = true;
    if (/Decoder .*not found|no decoder|Unsupported codec|Decoding requested, but/i.test(text)) facts.noDecoder = true;
  };
  return Object.assign(facts, { line });
}

/**
 * An error of a decoder or of the reader of the container: `[h264 @ 0x55] [error] ...`. Some say no more than that a file is
 * unusual; what writes the output complains about times that do not matter here.
 */
function isDamage(text: string): boolean {
  if (/mmco: |unable to decode APP fields|^\[(framecrc|rawvideo|null|swscaler|out#)/.test(text)) return false;
  return /^\[[^\]]+ @ [^\]]+\] \[(error|fatal|panic)\]|corrupt|error while decoding|Invalid data found/i.test(text);
}

/** `[info]     Stream #0:0(und): Video: h264 (High), yuv420p(tv, bt709, progressive), 320x240, 29.97 fps, 29.97 tbr` */
function streamOf(text: string): FfmpegStream | undefined {
  const body = /^\[info\] +Stream #0:0\S*: Video: (.*)$/.exec(text)?.[1];
  const size = body && /, (\d+)x(\d+)[ ,]/.exec(`${body},`);
  if (!body || !size) return undefined;
  const [, pixels, colour = ""] = /, (\w+)(?:\(([^)]*)\))?, \d+x\d+/.exec(body) ?? [];
  const words = colour.split(/[,/] ?/);
  const rate = /([\d.]+)(k?) fps/.exec(body) ?? /([\d.]+)(k?) tbr/.exec(body);
  return {
    codec: /^\w+/.exec(body)?.[0] ?? "unknown",
    pixels: pixels ?? "unknown",
    range: words.includes("pc") ? "pc" : words.includes("tv") ? "tv" : undefined,
    matrix: words.find((word) => MATRIX_NAMES.has(word)),
    width: Number(size[1]),
    height: Number(size[2]),
    fps: rate ? Number(rate[1]) * (rate[2] ? 1000 : 1) : undefined,
    rotation: 0,
  };
}

/** The first of these in a description is the matrix: primaries and transfer come after it. */
const MATRIX_NAMES: ReadonlySet<string> = new Set([
  "bt709",
  "unknown",
  "reserved",
  "fcc",
  "bt470bg",
  "smpte170m",
  "smpte240m",
  "ycgco",
  "bt2020nc",
  "bt2020c",
  "gbr",
]);
