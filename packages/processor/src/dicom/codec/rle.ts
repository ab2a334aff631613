import { type CodecFrame, colourOf, corrupt, type PixelFormat, sampleCount, withSign } from "./format.js";

const HEADER = 64;
/** A pair of bytes makes at most this many. */
const MOST_FROM_TWO = 128;

/**
 * Run lengths over byte planes: one segment for each byte of each sample, the most significant first.
 * Source: DICOM PS3.5 annex G.
 * @throws ProcessorError `dicom-corrupt`.
 */
export function decodeRle(encoded: Uint8Array, format: PixelFormat): CodecFrame {
  const colour = colourOf(format);
  const bytes = format.bitsAllocated / 8;
  if (![1, 2, 4].includes(bytes))
    throw corrupt(`RLE: ${format.bitsAllocated} bits allocated; 8, 16 or 32 would be right`);
  const segments = readHeader(encoded, format.samples * bytes);
  const pixels = format.rows * format.columns;
  for (const { length } of segments)
    if (Math.ceil(length / 2) * MOST_FROM_TWO < pixels)
      throw corrupt(`RLE: ${length} bytes cannot hold a plane of ${pixels}`);
  const out = new Uint8Array(sampleCount(format) * bytes);
  segments.forEach((segment, i) => {
    const sample = Math.floor(i / bytes);
    const byte = bytes - 1 - (i % bytes);
    unpack(segment, out, sample * bytes + byte, format.samples * bytes, pixels);
  });
  return { samples: withSign(inWords(out, bytes), Math.min(format.bitsStored, 8 * bytes), format.signed), colour };
}

function inWords(bytes: Uint8Array, width: number): Uint8Array | Uint16Array | Uint32Array {
  if (width === 1) return bytes;
  return width === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
}

function readHeader(encoded: Uint8Array, expected: number): readonly Uint8Array[] {
  if (encoded.length < HEADER) throw corrupt("RLE: the header is cut");
  const view = new DataView(encoded.buffer, encoded.byteOffset, HEADER);
  const count = view.getUint32(0, true);
  if (count !== expected) throw corrupt(`RLE: ${count} segments; ${expected} would be right`);
  const offsets = Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i, true));
  return offsets.map((from, i) => {
    const to = offsets[i + 1] ?? encoded.length;
    if (from < HEADER || to < from || to > encoded.length) throw corrupt(`RLE: segment ${i} lies outside of the frame`);
    return encoded.subarray(from, to);
  });
}

/** Fills a plane: `count` bytes at `start`, `start + step`... What a segment holds beyond them is padding. */
function unpack(segment: Uint8Array, out: Uint8Array, start: number, step: number, count: number): void {
  const end = start + count * step;
  let to = start;
  for (let from = 0; to < end; ) {
    if (from + 1 >= segment.length) throw corrupt("RLE: a segment ends before its plane is full");
    const code = segment[from++]!;
    if (code < 128) {
      const stop = Math.min(end, to + (code + 1) * step);
      if (from + (stop - to) / step > segment.length) throw corrupt("RLE: a segment ends in the middle of a run");
      for (; to < stop; to += step) out[to] = segment[from++]!;
    } else if (code > 128) {
      const stop = Math.min(end, to + (257 - code) * step);
      const value = segment[from++]!;
      for (; to < stop; to += step) out[to] = value;
    }
  }
}
