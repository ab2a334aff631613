import { joined } from "../joined.js";
import { inflateRaw } from "../volume/inflate.js";

export interface Inflated {
  readonly bytes: Uint8Array;
  /** The stream was read to its end; else the bytes are its first ones. */
  readonly whole: boolean;
}

/**
 * The first `most` bytes of what a deflate stream unpacks to; a padding zero may follow it. Nothing beyond that is held.
 * @throws ProcessorError `dicom-corrupt` where the stream is cut or broken.
 */
export async function inflate(packed: Uint8Array, most: number): Promise<Inflated> {
  const parts: Uint8Array[] = [];
  let length = 0;
  let whole = true;
  const take = (chunk: Uint8Array) => {
    whole = length + chunk.length <= most;
    parts.push(chunk.slice(0, most - length));
    length = Math.min(most, length + chunk.length);
    return whole;
  };
  await inflateRaw(packed, take, "dicom-corrupt");
  return { bytes: joined(parts), whole };
}
