import { CANARY } from "../format.js";
import { join, type Layout, latin, layoutOf } from "../layout.js";

/** Files that are no picture and no volume, and texts that begin as one does. */
export function textSeeds(): readonly Uint8Array[] {
  const page = `<!DOCTYPE html>\n<html><body>404: ${CANARY} was not found</body></html>\n`;
  const starts = [
    "\x89PNG\r\n\x1a\n",
    "\xff\xd8\xff",
    "GIF89a",
    "II*\0",
    "MM\0*",
    "II+\0",
    "BM",
    "RIFF\x40\0\0\0WEBP",
    "RIFF\x40\0\0\0AVI ",
  ];
  const others = [
    "\x1f\x8b\x08",
    "\x5c\x01\0\0",
    "\0\0\x01\x5c",
    "\0\0\0\x18ftypisom",
    "\x1aE\xdf\xa3",
    `${"\0".repeat(128)}DICM`,
    "PK\x03\x04",
    "%PDF-1.7\n",
  ];
  return [
    page,
    JSON.stringify({ name: CANARY, rows: [1, 2, 3] }),
    `a;b;c\n${CANARY};2;3\n`,
    "",
    " ",
    "\0".repeat(400),
    [...page].map((c) => `${c}\0`).join(""),
    ...[...starts, ...others].map((start) => start + page),
  ].map(latin);
}

export function textLayout(bytes: Uint8Array): Layout {
  return layoutOf(join(bytes), true, (made) => {
    made.fields(0, "first:u32 second:u32 third:u32 fourth:u32");
    for (let at = 0; at < bytes.length; at += 16) made.piece(`text at ${at}`, at, Math.min(bytes.length, at + 16));
  });
}
