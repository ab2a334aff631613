import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const goldens = (variant: string): string =>
  fileURLToPath(new URL(`../../../test/data/goldens/${variant}/`, import.meta.url));

export interface GoldenTensor {
  readonly shape: number[];
  readonly data: Float32Array;
}

/** A safetensors file as float32; enough of the format for the goldens, so that this package's tests need no other. */
export function readTensors(file: string): Map<string, GoldenTensor> {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [begin, end] = entry.data_offsets.map((o) => 8 + length + o) as [number, number];
    const raw = Uint8Array.from(bytes.subarray(begin, end)).buffer;
    const data =
      entry.dtype === "F32"
        ? new Float32Array(raw)
        : entry.dtype === "I64"
          ? Float32Array.from([...new BigInt64Array(raw)].map(Number))
          : Float32Array.from(new Uint8Array(raw));
    tensors.set(name, { shape: entry.shape, data });
  }
  return tensors;
}
