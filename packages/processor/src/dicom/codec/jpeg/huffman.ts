import { corrupt } from "../format.js";

export const LOOK_BITS = 9;

/** Codes up to {@link LOOK_BITS} bits are looked up; longer ones are found by their length. */
export interface HuffmanTable {
  /** By the next bits: length << 8 | symbol, or 0 where the code is longer or none. */
  readonly look: Uint16Array;
  /** The last code of each length, -1 where there is none. */
  readonly last: Int32Array;
  /** What to add to a code of each length to get its place in `symbols`. */
  readonly offset: Int32Array;
  readonly symbols: Uint8Array;
}

/**
 * @param counts how many codes of 1 to 16 bits there are
 * @throws ProcessorError `dicom-corrupt` where they are more than such codes can be.
 * Source: ITU-T T.81 annex C.
 */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const look = new Uint16Array(2 ** LOOK_BITS);
  const last = new Int32Array(17).fill(-1);
  const offset = new Int32Array(17);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= 16; length++) {
    offset[length] = place - code;
    const count = counts[length - 1]!;
    for (let i = 0; i < count; i++, code++, place++) {
      if (length > LOOK_BITS) continue;
      const from = code << (LOOK_BITS - length);
      look.fill((length << 8) | symbols[place]!, from, from + 2 ** (LOOK_BITS - length));
    }
    if (code > 2 ** length) throw corrupt("JPEG: a Huffman table has too many codes");
    if (count > 0) last[length] = code - 1;
    code *= 2;
  }
  return { look, last, offset, symbols };
}
