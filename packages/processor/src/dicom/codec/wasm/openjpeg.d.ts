import type { CodecModule } from "./host.js";

/** OpenJPEG as @cornerstonejs/codec-openjpeg wraps it: what is used of it. */
export interface OpenJpeg {
  readonly J2KDecoder: new () => J2kDecoder;
}

export interface J2kDecoder {
  /** A view of the codec's memory, to write the codestream into. */
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  /** A view of the codec's memory: interleaved, 1 byte a sample up to 8 bits, else 2. */
  getDecodedBuffer(): Uint8Array | Uint8ClampedArray;
  /** All zero where decoding failed. */
  getFrameInfo(): { readonly width: number; readonly height: number; readonly componentCount: number };
  delete(): void;
}

export declare const create: CodecModule<OpenJpeg>["create"];
export declare const wasm: string;
