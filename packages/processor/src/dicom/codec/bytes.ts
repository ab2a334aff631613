import { corrupt } from "./format.js";

/** Reads big-endian numbers from a codestream, never beyond its end. */
export class Reader {
  readonly #view: DataView;
  readonly #codec: string;

  constructor(bytes: Uint8Array, codec: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#codec = codec;
  }

  get length(): number {
    return this.#view.byteLength;
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#held(at, 1));
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#held(at, 2));
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#held(at, 4));
  }

  /** End of the marker segment whose length stands at `at`. */
  segmentEnd(at: number): number {
    const length = this.u16(at);
    if (length < 2) throw corrupt(`${this.#codec}: a marker segment has no length`);
    return this.#held(at, length) + length;
  }

  #held(at: number, count: number): number {
    if (at < 0 || at + count > this.length) throw corrupt(`${this.#codec}: the codestream ends too early`);
    return at;
  }
}
