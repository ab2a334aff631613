import { corrupt } from "../format.js";
import { type HuffmanTable, LOOK_BITS } from "./huffman.js";

/** Every Huffman code and every number of extra bits fits this many. */
const MOST_BITS = 16;
// Powers would be computed in floating point, for each symbol.
const LOOK_MASK = (1 << LOOK_BITS) - 1;

/**
 * Reads the bits between two markers. Where they end it goes on with zeros, so that a code may be looked up without
 * counting, and refuses as soon as one of those is taken for data.
 * Source: ITU-T T.81 F.2.2.
 */
export class EntropyReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #buffer = 0;
  /** Bits in the buffer, and how many of them, at its end, are made up. */
  #count = 0;
  #madeUp = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The next symbol. */
  symbol(table: HuffmanTable): number {
    this.#fill();
    const entry = table.look[(this.#buffer >>> (this.#count - LOOK_BITS)) & LOOK_MASK]!;
    if (entry !== 0) {
      this.#take(entry >> 8);
      return entry & 255;
    }
    for (let length = LOOK_BITS + 1; length <= MOST_BITS; length++) {
      const code = (this.#buffer >>> (this.#count - length)) & ((1 << length) - 1);
      if (code <= table.last[length]!) {
        this.#take(length);
        return table.symbols[table.offset[length]! + code]!;
      }
    }
    throw corrupt("JPEG: bits that are no Huffman code");
  }

  /** Up to 16 bits as a number. */
  bits(count: number): number {
    if (count === 0) return 0;
    this.#fill();
    const value = (this.#buffer >>> (this.#count - count)) & ((1 << count) - 1);
    this.#take(count);
    return value;
  }

  /** A difference of `count` bits: EXTEND of F.2.2.1. */
  signed(count: number): number {
    if (count === 0) return 0;
    const value = this.bits(count);
    return value < 1 << (count - 1) ? value + 1 - (1 << count) : value;
  }

  /** Goes behind the restart marker that must come next. */
  restart(expected: number): void {
    const at = this.markerAt();
    if (this.#bytes[at + 1] !== 0xd0 + expected) throw corrupt("JPEG: a restart marker is missing or out of order");
    this.#at = at + 2;
    this.#buffer = 0;
    this.#count = 0;
    this.#madeUp = 0;
  }

  /** Where the marker stands that ends these bits: the last FF before its code. */
  markerAt(): number {
    for (let at = this.#at; at + 1 < this.#bytes.length; at++) {
      const next = this.#bytes[at + 1]!;
      if (this.#bytes[at] === 0xff && next !== 0 && next !== 0xff) return at;
    }
    throw corrupt("JPEG: the stream is cut");
  }

  #take(count: number): void {
    this.#count -= count;
    if (this.#count < this.#madeUp) throw corrupt("JPEG: the stream is cut in its entropy-coded data");
  }

  /** At least 25 bits. */
  #fill(): void {
    while (this.#count <= 24) {
      let byte = this.#bytes[this.#at];
      if (byte === undefined || (byte === 0xff && this.#bytes[this.#at + 1] !== 0)) {
        byte = 0;
        this.#madeUp += 8;
      } else this.#at += byte === 0xff ? 2 : 1;
      this.#buffer = (this.#buffer << 8) | byte;
      this.#count += 8;
    }
  }
}
