import { type CodecFrame, decodeFrame, type PixelFormat } from "../src/dicom/codec/index.js";
import { jsonOf, sha256 } from "./helpers.js";

/** A compressed frame of test/data/codecs, made by test/python/make_codec_frames.py. */
export interface GivenFrame extends PixelFormat {
  readonly name: string;
  readonly transferSyntax: string;
  readonly dtype: string;
  readonly sha256: string;
  readonly encoded: Uint8Array;
}

type Stored = Omit<GivenFrame, "encoded" | "planar"> & { readonly encoded: string };

const stored = jsonOf<readonly Stored[]>("codecs/frames.json");

/** Those whose name begins so; at least one. */
export function framesOf(prefix: string): readonly GivenFrame[] {
  const found = stored.filter(({ name }) => name.startsWith(prefix));
  if (found.length === 0) throw new Error(`no frame is named ${prefix}`);
  return found.map((frame) => ({ ...frame, planar: 0, encoded: new Uint8Array(Buffer.from(frame.encoded, "base64")) }));
}

export const decodeGiven = (frame: GivenFrame, encoded = frame.encoded): Promise<CodecFrame> =>
  decodeFrame(frame.transferSyntax, encoded, frame);

/** What a fixture says of its samples, of samples. */
export function described({ samples }: CodecFrame): { readonly dtype: string; readonly sha256: string } {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const dtype = samples.constructor.name.replace("Array", "").toLowerCase();
  return { dtype, sha256: sha256(bytes) };
}

/** A few bytes changed at places that `seed` chooses. */
export function damaged(bytes: Uint8Array, seed: number, from = 0): Uint8Array {
  const out = bytes.slice();
  let state = seed * 2654435761;
  for (let i = 0; i < 1 + (seed % 4); i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const at = from + (state % (out.length - from));
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[at] = state >>> 24;
  }
  return out;
}
