/** The containers that are read, told by their first bytes. */
export type VideoContainer = "mp4" | "matroska" | "avi" | "mpegts" | "mpegps" | "flv" | "asf" | "gif";

/** As many bytes of a file's begin as {@link sniffVideo} looks at: three packets of a transport stream with time codes. */
export const SNIFF_BYTES = 577;

/** Types of the first box. `ftyp` is the rule; the others begin QuickTime files. Source: ISO 14496-12 and Apple's QTFF. */
const BOXES: ReadonlySet<string> = new Set(["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"]);

/** Brands of still pictures in the same kind of boxes: HEIF and AVIF. */
const STILL_BRANDS: ReadonlySet<string> = new Set(["mif1", "msf1", "heic", "heix", "heim", "heis", "avif", "avis"]);

/**
 * What the first bytes say a clip is, whatever the file's name says; `undefined` where they say nothing that is read.
 * Playlists, scripts and everything else that names further files is not among them.
 */
export function sniffVideo(head: Uint8Array): VideoContainer | undefined {
  const text = (from: number, to: number) => String.fromCharCode(...head.subarray(from, to));
  if (BOXES.has(text(4, 8))) return STILL_BRANDS.has(text(8, 12)) ? undefined : "mp4";
  if (text(0, 4) === "\x1a\x45\xdf\xa3") return "matroska";
  if (text(0, 4) === "RIFF" && text(8, 12) === "AVI ") return "avi";
  if (text(0, 4) === "\0\0\x01\xba") return "mpegps";
  if (text(0, 4) === "FLV\x01") return "flv";
  if (text(0, 8) === "\x30\x26\xb2\x75\x8e\x66\xcf\x11") return "asf";
  if (text(0, 6) === "GIF87a" || text(0, 6) === "GIF89a") return "gif";
  return isTransportStream(head) ? "mpegts" : undefined;
}

/** A sync byte at the begin of each of three packets, of 188 bytes, or of 192 with a time code in front (Blu-ray). */
function isTransportStream(head: Uint8Array): boolean {
  return [
    [0, 188],
    [4, 192],
  ].some(([from, size]) => [0, 1, 2].every((i) => head[from! + i * size!] === 0x47));
}
