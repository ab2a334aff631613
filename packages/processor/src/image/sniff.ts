/** The picture formats that this package reads. */
export type ImageFormat = "png" | "jpeg" | "webp" | "gif" | "tiff" | "bmp";

const MAGIC: readonly (readonly [ImageFormat, string])[] = [
  ["png", "\x89PNG\r\n\x1a\n"],
  ["jpeg", "\xff\xd8\xff"],
  ["gif", "GIF87a"],
  ["gif", "GIF89a"],
  ["tiff", "II*\0"],
  ["tiff", "MM\0*"],
  ["tiff", "II+\0"],
  ["tiff", "MM\0+"],
  ["webp", "RIFF....WEBP"],
  ["bmp", "BM"],
];

/** The format told by the first bytes, whatever the file's name says; `undefined` when they match none. */
export function sniffImage(bytes: Uint8Array): ImageFormat | undefined {
  return MAGIC.find(([, magic]) => matches(bytes, magic))?.[0];
}

function matches(bytes: Uint8Array, magic: string): boolean {
  if (bytes.length < magic.length) return false;
  for (let i = 0; i < magic.length; i++) {
    if (magic[i] !== "." && bytes[i] !== magic.charCodeAt(i)) return false;
  }
  return true;
}
