import { missing, startFfmpeg } from "./run.js";

/** How long a program may take to say its version, milliseconds: the first start reads it from the disk. */
const PATIENCE = 15_000;

/**
 * Where ffmpeg is: what the caller says, else `HULU_FFMPEG`, else the one on PATH, else the binary that the optional
 * package @ffmpeg-installer/ffmpeg brings. The last is of 2018; for files of strangers have a current one installed.
 * @throws ProcessorError `video-decoder-missing`; `video-timeout`; the signal's reason
 */
export async function findFfmpeg(given?: string, signal?: AbortSignal): Promise<string> {
  const named = given ?? (process.env.HULU_FFMPEG || undefined);
  const candidates = named === undefined ? [async () => "ffmpeg", installed] : [async () => named];
  for (const candidate of candidates) {
    const program = await candidate();
    if (program !== undefined && (await isFfmpeg(program, signal))) return program;
  }
  throw missing();
}

/** Whether there is such a program, and says that it is ffmpeg. */
async function isFfmpeg(program: string, signal?: AbortSignal): Promise<boolean> {
  const run = await startFfmpeg(program, ["-version"], signal).catch(() => undefined);
  signal?.throwIfAborted();
  if (run === undefined) return false;
  try {
    const first = await run.read(PATIENCE);
    return first !== undefined && new TextDecoder().decode(first).startsWith("ffmpeg version ");
  } finally {
    await run.stop();
  }
}

async function installed(): Promise<string | undefined> {
  try {
    // Under a name that bundlers cannot follow: it is for Node alone, and need not be there.
    const name: string = "@ffmpeg-installer/ffmpeg";
    const found = await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
    return (found as { default: typeof import("@ffmpeg-installer/ffmpeg") }).default.path;
  } catch {
    return undefined;
  }
}
