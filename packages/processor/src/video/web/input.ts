import {
  BlobSource,
  BufferSource,
  Input,
  Logging,
  LogLevel,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  type Source,
  WEBM,
} from "mediabunny";

/** As often in a row nothing that gets on asks for the same bytes. */
const MOST_REPEATS = 1000;

/** A file for mediabunny to take apart. It says nothing on the console, where it would quote the file. */
export function openedInput(file: Uint8Array | Blob): Input {
  Logging.level = LogLevel.Silent;
  const source = file instanceof Uint8Array ? new BufferSource(file) : new BlobSource(file);
  return new Input({ formats: [MP4, QTFF, MATROSKA, WEBM, MPEG_TS], source: impatient(source) });
}

/**
 * A source that refuses to give the same bytes again and again. mediabunny 1.61.0 looks for the next element of a damaged
 * Matroska file, and where there is none up to the end, it asks for the last 8 bytes for ever, and the page stands still.
 */
function impatient<S extends Source>(source: S): S {
  const inner = source as unknown as { _read(start: number, ...rest: readonly unknown[]): unknown };
  const read = inner._read.bind(source);
  let last = -1;
  let repeats = 0;
  inner._read = (start, ...rest) => {
    repeats = start === last ? repeats + 1 : 0;
    last = start;
    if (repeats > MOST_REPEATS) throw new Error("the same bytes are asked for again and again");
    return read(start, ...rest);
  };
  return source;
}
