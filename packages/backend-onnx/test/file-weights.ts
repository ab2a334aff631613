import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredDType, WeightSource } from "@hulu/core";

/** A float32 as the nearest bfloat16 above or below, ties to even; and what it then is. */
export function bfloat16(x: number): { readonly bits: number; readonly value: number } {
  const word = new Uint32Array(Float32Array.of(x).buffer)[0]!;
  const bits = ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
  return { bits, value: new Float32Array(Uint32Array.of(bits << 16).buffer)[0]! };
}

export interface FileWeights {
  readonly weights: WeightSource;
  /** Paths whose numbers were read whole, in any way. */
  readonly read: string[];
  readonly located: string[];
  remove(): void;
}

/**
 * The same weights in files of bare numbers, one tensor behind the other, that say where they lie and note who reads.
 * @param options.type how they are stored: the numbers of `source` must fit
 * @param options.lead bytes before the first tensor
 * @param options.files over how many files the tensors are dealt
 */
export async function inFiles(
  source: WeightSource,
  { type = "F32", lead = 12, files = 1 }: { type?: StoredDType & ("F32" | "BF16"); lead?: number; files?: number } = {},
): Promise<FileWeights> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "hulu-onnx-")));
  const parts: Uint8Array[][] = Array.from({ length: files }, () => [new Uint8Array(lead)]);
  const places = new Map<string, { file: string; offset: number; length: number }>();
  for (const [i, path] of [...source.keys()].entries()) {
    const numbers = await source.floats(path);
    const stored = type === "F32" ? numbers : Uint16Array.from(numbers, (x) => bfloat16(x).bits);
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    const part = parts[i % files]!;
    const offset = part.reduce((n, p) => n + p.length, 0);
    places.set(path, { file: join(folder, `part-${i % files}`), offset, length: bytes.length });
    part.push(bytes);
  }
  for (const [i, part] of parts.entries()) writeFileSync(join(folder, `part-${i}`), Buffer.concat(part));
  const read: string[] = [];
  const located: string[] = [];
  const weights: WeightSource = {
    keys: () => source.keys(),
    info: (path) => {
      const info = source.info(path);
      return info && { dtype: type, shape: info.shape };
    },
    read: async (path, options) => {
      if (options?.rows === undefined) read.push(path);
      return source.read(path, options);
    },
    floats: async (path, options) => {
      read.push(path);
      return source.floats(path, options);
    },
    locate: (path) => {
      located.push(path);
      return places.get(path);
    },
  };
  return { weights, read, located, remove: () => rmSync(folder, { recursive: true }) };
}
