import { ProcessorError } from "../../errors.js";
import { nodeChildProcess } from "../../input/node.js";
import { type FfmpegLog, type FfmpegStream, logReader } from "./log.js";

/** A running ffmpeg, whose output is taken as fast as it is asked for: until then the pipe holds it back. */
export interface FfmpegRun {
  readonly log: FfmpegLog;
  /** The stream that goes out, which it describes before the first byte of it; `undefined` where it ended without. */
  readonly described: Promise<FfmpegStream | undefined>;
  /**
   * The next bytes of its output, `undefined` at the end.
   * @throws ProcessorError `video-timeout` where none come within so many milliseconds
   */
  read(patience: number): Promise<Uint8Array | undefined>;
  /** The exit status, once the output has ended; what it says on stderr is read by then. */
  exit(patience: number): Promise<number>;
  /** Ends it, where it still runs. */
  stop(): Promise<void>;
}

/** A line of stderr is cut here: what is wanted of it stands at its begin. */
const MAX_LINE = 2000;

/**
 * Starts ffmpeg. Whoever starts it must stop it.
 * @throws ProcessorError `video-decoder-missing` where there is no such program; the signal's reason
 */
export async function startFfmpeg(program: string, args: readonly string[], signal?: AbortSignal): Promise<FfmpegRun> {
  signal?.throwIfAborted();
  const { spawn } = await nodeChildProcess();
  // FFREPORT would make it write a file that holds paths and tags.
  const { FFREPORT: _, ...env } = process.env;
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
    env: { ...env, AV_LOG_FORCE_NOCOLOR: "1" },
  });
  const log = logReader();
  const kill = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  // Both listen from the start: an event that nobody awaits yet must not be lost, nor an error unhandled.
  const gone = new Promise<number>((resolve) => {
    child.once("exit", (code) => resolve(code ?? -1));
    child.once("error", () => resolve(-1));
  });
  const logged = new Promise<void>((resolve) => child.stderr.once("close", resolve));
  const described = new Promise<FfmpegStream | undefined>((resolve) => {
    readLines(child.stderr, (text) => {
      log.line(text);
      if (log.stream !== undefined) resolve(log.stream);
    });
    child.stderr.once("close", () => resolve(log.stream));
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(missing(cause)));
  });
  const output = (child.stdout as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  return {
    log,
    described,
    async read(patience) {
      const next = await within(output.next(), patience, kill);
      signal?.throwIfAborted();
      return next.done ? undefined : next.value;
    },
    async exit(patience) {
      const [code] = await within(Promise.all([gone, logged]), patience, kill);
      signal?.throwIfAborted();
      return code;
    },
    async stop() {
      signal?.removeEventListener("abort", kill);
      kill();
      child.stdout.destroy();
      child.stderr.destroy();
      await gone;
    },
  };
}

/** Why it did not start, without the path. */
export function missing(cause?: unknown): ProcessorError {
  const message =
    "reading video files in Node needs the program ffmpeg: install it (apt-get install ffmpeg, brew install ffmpeg), " +
    "set HULU_FFMPEG to where it is, or npm install @ffmpeg-installer/ffmpeg";
  return new ProcessorError("video-decoder-missing", message, { cause });
}

function readLines(stream: NodeJS.ReadableStream, line: (text: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split(/[\r\n]+/);
    rest = lines.pop()!.slice(0, MAX_LINE);
    for (const text of lines) line(text.slice(0, MAX_LINE));
  });
  stream.on("end", () => line(rest));
}

/** @throws ProcessorError `video-timeout`, after the program was ended. */
async function within<T>(work: Promise<T>, patience: number, kill: () => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      kill();
      const message = `ffmpeg gave nothing for ${Math.round(patience) / 1000} s, and was ended; give a longer timeout`;
      reject(new ProcessorError("video-timeout", message));
    }, patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
