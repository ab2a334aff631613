import type { CodecModule } from "./host.js";

/** CharLS as @cornerstonejs/codec-charls wraps it: what is used of it. */
export interface CharLs {
  readonly JpegLSDecoder: new () => JpegLsDecoder;
}

export interface JpegLsDecoder {
  /** A view of the codec's memory, to write the bitstream into. */
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  /** A view of the codec's memory: 1 byte a sample up to 8 bits, else 2; by planes where the interleave mode is 0. */
  getDecodedBuffer(): Uint8Array | Uint8ClampedArray;
  /** 0: by plane, 1: by line, 2: by sample; the samples of the last two are interleaved. */
  getInterleaveMode(): number;
  delete(): void;
}

export declare const create: CodecModule<CharLs>["create"];
export declare const wasm: string;
