import { ProcessorError } from "@hulu/processor";
import type { StoredSamples } from "./stored-png.js";

/** The first frame of a GIF as indices into its palette, on the whole screen. */
export interface StoredGif extends StoredSamples {
  /** Whether each entry of the palette is the grey of its own number: then an index is a grey. */
  readonly grey: boolean;
}

/**
 * Reads a GIF that the library has decoded. Written again here, because goldens tell of indices, which the library does not
 * keep.
 * Source: CompuServe, "Graphics Interchange Format, version 89a", 18 to 22 and appendix F.
 */
export function storedGif(file: Uint8Array): StoredGif {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  const samples = new Uint8Array(width * height).fill(file[11] ?? 0);
  const global = tableBytes(file[10]!);
  const at = firstImage(file, 13 + global);
  const [left, top] = [view.getUint16(at + 1, true), view.getUint16(at + 3, true)];
  const [w, h] = [view.getUint16(at + 5, true), view.getUint16(at + 7, true)];
  const packed = file[at + 9]!;
  const local = tableBytes(packed);
  const palette = local > 0 ? file.subarray(at + 10, at + 10 + local) : file.subarray(13, 13 + global);
  const indices = lzw(file[at + 10 + local]!, subBlocks(file, at + 11 + local), w * h);
  const rows = (packed & 0x40) !== 0 ? interlacedRows(h) : Array.from({ length: h }, (_, y) => y);
  rows.forEach((y, i) => {
    samples.set(indices.subarray(i * w, (i + 1) * w), (top + y) * width + left);
  });
  const grey = palette.every((value, i) => value === Math.floor(i / 3));
  return { width, height, channels: 1, samples, grey };
}

/** Bytes of the colour table that a packed field announces. */
const tableBytes = (packed: number): number => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);

function firstImage(file: Uint8Array, from: number): number {
  let at = from;
  // An extension is skipped: its label, then blocks that each say how long they are.
  while (file[at] === 0x21) {
    at += 2;
    while (file[at] !== undefined && file[at] !== 0) at += file[at]! + 1;
    at += 1;
  }
  if (file[at] !== 0x2c) throw new ProcessorError("image-corrupt", "gif: there is no picture");
  return at;
}

function subBlocks(file: Uint8Array, from: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = from; (file[at] ?? 0) > 0; at += file[at]! + 1) blocks.push(file.subarray(at + 1, at + 1 + file[at]!));
  return Buffer.concat(blocks);
}

const interlacedRows = (height: number): number[] =>
  [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ].flatMap(([first, step]) =>
    Array.from({ length: Math.ceil((height - first!) / step!) }, (_, i) => first! + i * step!),
  );

/** Appendix F: codes of growing width, lowest bit first; each names a known string and makes a new one. */
function lzw(least: number, data: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(count);
  const [clear, end] = [2 ** least, 2 ** least + 1];
  // A string is a code's last index behind the string of the code before.
  const [before, last, length] = [new Int32Array(4096).fill(-1), new Uint8Array(4096), new Int32Array(4096).fill(1)];
  for (let i = 0; i < clear; i++) last[i] = i;
  let [width, next, previous, at] = [least + 1, end + 1, -1, 0];
  const write = (code: number): number => {
    let [to, c] = [at + length[code]! - 1, code];
    at = to + 1;
    for (; before[c]! >= 0; c = before[c]!) out[to--] = last[c]!;
    out[to] = last[c]!;
    return last[c]!;
  };
  for (let bit = 0; bit + width <= data.length * 8 && at < count; ) {
    const code = codeAt(data, bit, width);
    bit += width;
    if (code === end) break;
    if (code === clear) {
      [width, next, previous] = [least + 1, end + 1, -1];
      continue;
    }
    if (previous >= 0 && next < 4096) {
      before[next] = previous;
      length[next] = length[previous]! + 1;
      // The string that is being made may be the one that is named; it then ends as it begins.
      last[next] = firstOf(code === next ? previous : code, before, last);
      next++;
      if (next === 2 ** width && width < 12) width++;
    }
    write(code);
    previous = code;
  }
  return out;
}

function firstOf(code: number, before: Int32Array, last: Uint8Array): number {
  let c = code;
  while (before[c]! >= 0) c = before[c]!;
  return last[c]!;
}

function codeAt(data: Uint8Array, bit: number, width: number): number {
  const byte = bit >> 3;
  const word = data[byte]! | ((data[byte + 1] ?? 0) << 8) | ((data[byte + 2] ?? 0) << 16);
  return (word >> (bit & 7)) & (2 ** width - 1);
}
