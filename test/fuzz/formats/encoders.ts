import { join, latin, packed } from "../layout.js";
import { pattern } from "./seeds.js";

/**
 * A frame by run lengths: each byte plane in runs of what repeats and of what does not.
 * Source: DICOM PS3.5 annex G.
 * @param bytes interleaved samples, little endian
 */
export function rle(bytes: Uint8Array, samples: number, width: number): Uint8Array {
  const planes: Uint8Array[] = [];
  for (let sample = 0; sample < samples; sample++)
    for (let byte = width - 1; byte >= 0; byte--)
      planes.push(bytes.filter((_, i) => i % (samples * width) === sample * width + byte));
  const segments = planes.map(packBits);
  let at = 64;
  const offsets = segments.map((segment) => {
    at += segment.length;
    return at - segment.length;
  });
  const header = packed(true, "u32", segments.length, ...offsets.flatMap((offset) => ["u32" as const, offset]));
  return join(header, new Uint8Array(64 - header.length), ...segments);
}

function packBits(plane: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < plane.length; ) {
    let run = 1;
    while (run < 128 && plane[at + run] === plane[at]) run++;
    if (run > 1) out.push(257 - run, plane[at]!);
    else {
      while (run < 128 && at + run < plane.length && plane[at + run] !== plane[at + run - 1]) run++;
      out.push(run - 1, ...plane.subarray(at, at + run));
    }
    at += run;
  }
  return Uint8Array.from(out.length % 2 === 0 ? out : [...out, 0]);
}

/**
 * A lossless JPEG, selection value 1, all 17 categories coded in 5 bits.
 * Source: ITU-T T.81, annex H.
 */
export function losslessJpeg(width: number, height: number, bits: number, samples: 1 | 3): Uint8Array {
  const values = pattern(width, height, samples, 2 ** bits - 1);
  const bitstream = new BitWriter();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < samples; c++) {
        const i = (y * width + x) * samples + c;
        const from = x > 0 ? values[i - samples]! : y > 0 ? values[i - width * samples]! : 2 ** (bits - 1);
        bitstream.difference(values[i]! - from);
      }
  const ids = Array.from({ length: samples }, (_, c) => c + 1);
  const segment = (marker: number, body: Uint8Array) =>
    join(Uint8Array.of(0xff, marker), packed(false, "u16", body.length + 2), body);
  return join(
    latin("\xff\xd8"),
    segment(
      0xc3,
      join(
        packed(false, "u8", bits, "u16", height, "u16", width, "u8", samples),
        Uint8Array.from(ids.flatMap((id) => [id, 0x11, 0])),
      ),
    ),
    segment(
      0xc4,
      Uint8Array.from([0, 0, 0, 0, 0, 17, ...Array<number>(11).fill(0), ...Array.from({ length: 17 }, (_, i) => i)]),
    ),
    segment(0xda, Uint8Array.from([samples, ...ids.flatMap((id) => [id, 0]), 1, 0, 0])),
    bitstream.bytes(),
    latin("\xff\xd9"),
  );
}

class BitWriter {
  readonly #bits: number[] = [];
  difference(value: number): void {
    const size = value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
    this.#put(size, 5);
    if (size < 16) this.#put(value < 0 ? value + 2 ** size - 1 : value, size);
  }
  #put(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.#bits.push((value >> i) & 1);
  }
  /** Filled up with ones; a zero stuffed behind each 255. */
  bytes(): Uint8Array {
    const out: number[] = [];
    for (let at = 0; at < this.#bits.length; at += 8) {
      let byte = 0;
      for (let i = 0; i < 8; i++) byte = byte * 2 + (this.#bits[at + i] ?? 1);
      out.push(byte);
      if (byte === 255) out.push(0);
    }
    return Uint8Array.from(out);
  }
}
