import { inflateRaw } from "../../volume/inflate.js";
import { checkPixels, type DecodedFrames, type DecodeSettings } from "../decoder.js";
import type { RgbImage } from "../rgb.js";
import { corruptPng, type PngFile, type PngHeader, readChunks } from "./chunks.js";
import { type Pass, passesOf, rowBytes, samplesOf, unfilter } from "./rows.js";

/** What deflate makes of a byte at the most. */
const MOST_UNPACKED = 1032;

/**
 * A PNG file as RGB, alpha dropped. It is unpacked row by row: beside the picture two rows are in memory, whatever the file
 * unpacks to. The first picture of an animation.
 * @throws ProcessorError `image-corrupt`, `image-too-large`.
 */
export async function decodePng(bytes: Uint8Array, settings: DecodeSettings): Promise<DecodedFrames> {
  const file = readChunks(bytes);
  const { header, data } = file;
  checkPixels("png", header.width, header.height, 1, settings.maxPixels);
  if (data.length < 2 || (data[0]! & 15) !== 8 || ((data[0]! << 8) | data[1]!) % 31 !== 0 || (data[1]! & 0x20) !== 0)
    throw corruptPng("the pixels are no zlib stream");
  const passes = passesOf(header);
  const wanted = passes.reduce((sum, pass) => sum + pass.height * (1 + rowBytes(header, pass.width)), 0);
  if (wanted > data.length * MOST_UNPACKED) throw corruptPng(`${data.length} bytes cannot hold its pixels`);
  const canvas = makeCanvas(file, settings);
  const reader = readRows(header, passes, canvas.paint);
  await inflateRaw(data.subarray(2), reader.take, "image-corrupt");
  if (!reader.done()) throw corruptPng("the file ends before its pixels do");
  return { frames: [canvas.image] };
}

/** Puts rows together from pieces of the unpacked stream. */
function readRows(header: PngHeader, passes: readonly Pass[], paint: Canvas["paint"]) {
  const step = Math.max(1, (samplesOf(header) * header.depth) / 8);
  let pass = 0;
  let y = 0;
  let [row, above] = rowsOf(header, passes[0]!);
  let filter = -1;
  let filled = 0;
  const next = () => {
    unfilter(filter, row, above, step);
    paint(row, passes[pass]!, y);
    [row, above, filter, filled] = [above, row, -1, 0];
    if (++y < passes[pass]!.height) return;
    y = 0;
    if (++pass < passes.length) [row, above] = rowsOf(header, passes[pass]!);
  };
  return {
    done: () => pass === passes.length,
    take(chunk: Uint8Array): boolean {
      for (let at = 0; at < chunk.length && pass < passes.length; ) {
        if (filter < 0) filter = chunk[at++]!;
        const part = chunk.subarray(at, at + row.length - filled);
        row.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === row.length) next();
      }
      return pass < passes.length;
    },
  };
}

const rowsOf = (header: PngHeader, { width }: Pass): [Uint8Array, Uint8Array] => {
  const length = rowBytes(header, width);
  return [new Uint8Array(length), new Uint8Array(length)];
};

interface Canvas {
  readonly image: RgbImage;
  readonly paint: (row: Uint8Array, pass: Pass, y: number) => void;
}

function makeCanvas({ header, palette }: PngFile, { grey16 }: DecodeSettings): Canvas {
  const { width, height, depth, colour } = header;
  const data = new Uint8Array(width * height * 3);
  const stored = depth === 16 && colour.startsWith("grey") ? new Uint16Array(width * height) : undefined;
  const image = { data, width, height, ...(stored && { grey16: stored }) };
  const samples = samplesOf(header);
  const paint = (row: Uint8Array, pass: Pass, y: number) => {
    const sample = sampleOf(row, header);
    const first = (pass.y + y * pass.stepY) * width + pass.x;
    if (colour === "rgb" && depth === 8 && pass.stepX === 1) {
      data.set(row, 3 * first);
      return;
    }
    for (let x = 0, pixel = first; x < pass.width; x++, pixel += pass.stepX) {
      const to = 3 * pixel;
      if (colour === "palette") copyColour(palette, sample(x), data, to);
      else if (samples >= 3) for (let c = 0; c < 3; c++) data[to + c] = sample(x * samples + c);
      else data[to] = data[to + 1] = data[to + 2] = sample(x * samples);
      if (stored === undefined) continue;
      const at = 2 * x * samples;
      stored[pixel] = (row[at]! << 8) | row[at + 1]!;
      if (grey16 === "clip") data.fill(Math.min(stored[pixel]!, 255), to, to + 3);
    }
  };
  return { image, paint };
}

function copyColour(palette: Uint8Array, index: number, data: Uint8Array, to: number): void {
  if (3 * index >= palette.length) throw corruptPng("a pixel has no colour in the palette");
  for (let c = 0; c < 3; c++) data[to + c] = palette[3 * index + c]!;
}

/** The samples of a row as bytes: of 16 bits the high ones, of fewer than 8 spread over 0 to 255; indices as they are. */
function sampleOf(row: Uint8Array, { depth, colour }: PngHeader): (i: number) => number {
  if (depth >= 8) return depth === 8 ? (i) => row[i]! : (i) => row[2 * i]!;
  const mask = 2 ** depth - 1;
  const spread = colour === "palette" ? 1 : 255 / mask;
  return (i) => ((row[(i * depth) >> 3]! >> (8 - depth - ((i * depth) & 7))) & mask) * spread;
}
