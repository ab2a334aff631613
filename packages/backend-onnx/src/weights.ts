import { countOf, type StoredDType, type WeightSource } from "@hulu/core";
import { bytesPerElement, type ExternalData } from "./onnx.js";

/** Where a program finds a weight, and how its numbers are stored there. */
export interface Placement {
  readonly type: "f32" | "f16" | "bf16";
  readonly data: Uint8Array | ExternalData;
}

/** A program's weights, and the folder that external locations are relative to. */
export interface Placements {
  readonly folder: string | undefined;
  readonly of: ReadonlyMap<string, Placement>;
}

const floatTypes: Partial<Readonly<Record<StoredDType, Placement["type"]>>> = { F32: "f32", F16: "f16", BF16: "bf16" };

/** Places the weights of programs one after another; one that lies in memory is read once. */
export class Placer {
  readonly #read = new Map<string, Placement>();

  constructor(
    readonly weights: WeightSource,
    readonly signal: AbortSignal | undefined,
  ) {}

  /** Weights in local files stay there; the others are read. */
  async place(paths: Iterable<string>, onPlaced: (path: string) => void): Promise<Placements> {
    const all = [...paths];
    const located = new Map(all.flatMap((path) => this.#located(path) ?? []));
    const folder = commonFolder([...located.values()].map((l) => l.data.location));
    const of = new Map<string, Placement>();
    for (const path of all) {
      this.signal?.throwIfAborted();
      const there = folder === undefined ? undefined : located.get(path);
      of.set(path, there === undefined ? await this.#inMemory(path) : relativeTo(folder as string, there));
      onPlaced(path);
    }
    return { folder, of };
  }

  #located(path: string): [[string, Located]] | undefined {
    const mapped = mappedWeight(this.weights, path);
    return mapped && [[path, mapped]];
  }

  async #inMemory(path: string): Promise<Placement> {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    const dtype = this.weights.info(path)?.dtype;
    const type = (dtype && floatTypes[dtype]) ?? "f32";
    const options = this.signal && { signal: this.signal };
    const numbers = type === "f32" ? await this.weights.floats(path, options) : await this.weights.read(path, options);
    const data = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const placement = { type, data };
    this.#read.set(path, placement);
    return placement;
  }
}

interface Located {
  readonly type: Placement["type"];
  readonly data: ExternalData;
}

/** Where ONNX Runtime finds a weight in a local file; undefined when it must be read. */
export function mappedWeight(weights: WeightSource, path: string): Located | undefined {
  const place = weights.locate?.(path);
  const info = weights.info(path);
  const type = info && floatTypes[info.dtype];
  if (place === undefined || type === undefined) return undefined;
  // ONNX Runtime maps the file and reads numbers where they lie: they must be aligned, and no more nor fewer.
  if (place.offset % 4 !== 0 || place.length !== countOf(info!.shape) * bytesPerElement[type]) return undefined;
  const location = place.file.replaceAll("\\", "/");
  return { type, data: { location, offset: place.offset, length: place.length } };
}

/** The bytes of a weight as it goes into a model. */
export function storedBytes(weights: WeightSource, path: string): number {
  const info = weights.info(path);
  return info === undefined ? 0 : countOf(info.shape) * bytesPerElement[floatTypes[info.dtype] ?? "f32"];
}

const relativeTo = (folder: string, { type, data }: Located): Placement => ({
  type,
  data: { ...data, location: data.location.slice(folder.length).replace(/^\//, "") },
});

/**
 * The folder that all files lie below: ONNX Runtime takes only locations below one. undefined when there is none (two
 * drives of Windows, or no file at all).
 */
export function commonFolder(files: readonly string[]): string | undefined {
  const [first, ...others] = [...new Set(files)].map((file) => file.split("/").slice(0, -1));
  if (first === undefined) return undefined;
  let depth = first.length;
  for (const parts of others) {
    let same = 0;
    while (same < depth && parts[same] === first[same]) same++;
    depth = same;
  }
  if (depth === 0) return undefined;
  return first.slice(0, depth).join("/") || "/";
}
