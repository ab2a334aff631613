import type { SourceOptions } from "@hulu/engine";
import type { Io } from "./command.js";
import type { Option, Options, Parsed } from "./options.js";

export const modelOption: Option = {
  type: "string",
  value: "SOURCE",
  help: "a checkpoint: a folder, hf:OWNER/NAME[@REVISION], or https://HOST/FOLDER/",
};

/** How a checkpoint that is not here is got. */
export const downloadOptions: Options = {
  cache: {
    type: "string",
    value: "DIR",
    help: "where downloads are kept (default HULU_CACHE, or the platform's cache)",
  },
  offline: { type: "boolean", help: "only what is kept: no request" },
  "allow-http": { type: "boolean", help: "take http addresses too" },
};

/** What these options say, with progress for a person who watches. */
export function sourceOptions(parsed: Parsed, io: Io): SourceOptions {
  const cache = parsed.text("cache");
  return {
    ...(cache !== undefined && { cache }),
    ...(parsed.flag("offline") && { offline: true }),
    ...(parsed.flag("allow-http") && { allowHttp: true }),
    ...(io.interactive && { onDownload: progressLine(io) }),
  };
}

/** One line that is written over, and gone when all that was announced is there. */
function progressLine({ note }: Io): NonNullable<SourceOptions["onDownload"]> {
  const files = new Map<string, { readonly received: number; readonly size: number }>();
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return ({ file, received, size = received }) => {
    files.set(file, { received, size });
    const all = [...files.values()];
    const sum = (of: "received" | "size") => all.reduce((total, each) => total + each[of], 0);
    const over = sum("received") >= sum("size");
    note(over ? "\r\x1b[K" : `\r\x1b[Kfetching ${file}: ${megabytes(sum("received"))} of ${megabytes(sum("size"))} MB`);
  };
}
