import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import {
  createTokenizer,
  ProcessorError,
  type ProcessorErrorCode,
  parseJson,
  type RgbImage,
  type Tokenizer,
} from "../src/index.js";

const DATA = new URL("../../../test/data/", import.meta.url);

/** Where a file of test/data lies. */
export const dataPath = (path: string): string => fileURLToPath(new URL(path, DATA));

/** Bytes of a file of test/data, e.g. `samples/2d/ihc.png`. */
export function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(dataPath(path)));
}

/** Parsed JSON of test/data; whole floats come out as Float where `floats`. */
export function jsonOf<T>(path: string, options: { floats?: boolean } = {}): T {
  const text = readFileSync(dataPath(path), "utf8");
  return (options.floats ? parseJson(text) : JSON.parse(text)) as T;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A tensor of a safetensors file, as the bytes it is stored in. */
export function tensorsOf(path: string): {
  u8(name: string): Uint8Array;
  f32(name: string): Float32Array;
  has(name: string): boolean;
} {
  const bytes = bytesOf(path);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  const u8 = (name: string) => {
    const [from, to] = header[name]!.data_offsets;
    return bytes.slice(8 + length + from, 8 + length + to);
  };
  return { u8, f32: (name) => new Float32Array(u8(name).buffer), has: (name) => name in header };
}

export function tokenizerOf(): Tokenizer {
  return createTokenizer(jsonOf("goldens/tokenizer/tokenizer.json"), jsonOf("goldens/tokenizer/tokenizer_config.json"));
}

/** The golden pictures of imageproc: see the README of the goldens. */
export function synthImage(height: number, width: number, seed: number): RgbImage {
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const v = ((x * (3 + c) + y * (2 + 2 * c) + 17 * seed) >> 1) & 255;
        let n =
          Math.imul(x, 73856093) ^ Math.imul(y, 19349663) ^ Math.imul(c, 83492791) ^ Math.imul(seed, 2654435761 | 0);
        n ^= n >>> 13;
        n = Math.imul(n, 1274126177);
        n ^= n >>> 16;
        data[(y * width + x) * 3 + c] = (3 * v + (n & 255)) >> 2;
      }
    }
  }
  return { data, width, height };
}

export function codeOf(run: () => unknown): ProcessorErrorCode | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ProcessorError);
    return (error as ProcessorError).code;
  }
}

export async function codeOfAsync(run: () => Promise<unknown>): Promise<ProcessorErrorCode | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ProcessorError);
    return (error as ProcessorError).code;
  }
}
