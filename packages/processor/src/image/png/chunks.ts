import { ProcessorError } from "../../errors.js";
import { joined } from "../../joined.js";
import { crc32 } from "../../volume/gunzip.js";

/** Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 11.2.1. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample, or of an index. */
  readonly depth: 1 | 2 | 4 | 8 | 16;
  readonly colour: "grey" | "rgb" | "palette" | "grey-alpha" | "rgba";
  readonly interlaced: boolean;
}

export interface PngFile {
  readonly header: PngHeader;
  /** RGB, RGB, ... */
  readonly palette: Uint8Array;
  /** The zlib stream, its pieces joined. */
  readonly data: Uint8Array;
}

const COLOURS = new Map<number, readonly [PngHeader["colour"], readonly number[]]>([
  [0, ["grey", [1, 2, 4, 8, 16]]],
  [2, ["rgb", [8, 16]]],
  [3, ["palette", [1, 2, 4, 8]]],
  [4, ["grey-alpha", [8, 16]]],
  [6, ["rgba", [8, 16]]],
]);

export const corruptPng = (what: string, options?: ErrorOptions) =>
  new ProcessorError("image-corrupt", `png: ${what}`, options);

/**
 * Takes a file apart: nothing is unpacked. Chunks that a picture can do without are passed over, and their checksums are not
 * looked at. A file may lack its end chunk.
 * @throws ProcessorError `image-corrupt`.
 */
export function readChunks(bytes: Uint8Array): PngFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let header: PngHeader | undefined;
  let palette = new Uint8Array();
  const pieces: Uint8Array[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw corruptPng("the file is cut");
    const needed = (bytes[at + 4]! & 0x20) === 0;
    if (needed && crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) throw corruptPng("a checksum is wrong");
    const body = bytes.subarray(at + 8, end);
    if (header === undefined) {
      if (name !== "IHDR") throw corruptPng("the file does not begin with its header");
      header = readHeader(body);
    } else if (name === "PLTE") palette = body.slice();
    else if (name === "IDAT") pieces.push(body);
    else if (name === "IEND") break;
    else if (needed) throw corruptPng("it has a part of unknown kind that cannot be left out");
    at = end + 4;
  }
  if (header === undefined || pieces.length === 0) throw corruptPng("the file is cut before its pixels");
  if (header.colour === "palette" && (palette.length === 0 || palette.length % 3 !== 0))
    throw corruptPng("the palette is missing or cut");
  return { header, palette, data: joined(pieces) };
}

function readHeader(body: Uint8Array): PngHeader {
  if (body.length !== 13) throw corruptPng("the header has a wrong length");
  const view = new DataView(body.buffer, body.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, kind, compression, filter, interlace] = body.subarray(8) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const [colour, depths] = COLOURS.get(kind) ?? [undefined, []];
  if (colour === undefined || !depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1)
    throw corruptPng("the header names a kind that there is not");
  if (width < 1 || height < 1 || width >= 2 ** 31 || height >= 2 ** 31) throw corruptPng("the header's size cannot be");
  return { width, height, depth: depth as PngHeader["depth"], colour, interlaced: interlace === 1 };
}
