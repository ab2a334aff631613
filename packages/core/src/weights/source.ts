/** How numbers are stored in a checkpoint; the names are those of the safetensors format. */
export type StoredDType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "F8_E4M3"
  | "F8_E5M2"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

export interface StoredTensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
}
export interface ReadOptions {
  /** A half-open range along the first axis; all of it unless given. */
  readonly rows?: readonly [number, number];
  readonly signal?: AbortSignal;
}

/**
 * Where weights come from: a checkpoint on disk, over HTTP, or in memory. A source knows how it stores, so it also
 * decodes; a backend that can use the stored bytes as they are asks for those, or for the place of a local file.
 */
export interface WeightSource {
  keys(): Iterable<string>;
  info(path: string): StoredTensor | undefined;
  /** The stored bytes, little-endian. */
  read(path: string, options?: ReadOptions): Promise<Uint8Array>;
  /** The numbers, in float32. */
  floats(path: string, options?: ReadOptions): Promise<Float32Array>;
  /** Where the bytes lie in a local file (its real path), when they do. */
  locate?(path: string): { readonly file: string; readonly offset: number; readonly length: number } | undefined;
}

/** Weights that are already in memory, for tests and small models. */
export function memoryWeights(
  tensors: Iterable<readonly [string, { shape: readonly number[]; data: Float32Array }]>,
): WeightSource {
  const map = new Map(tensors);
  const find = (path: string) => {
    const tensor = map.get(path);
    if (tensor === undefined) throw new RangeError(`there is no tensor ${path}`);
    return tensor;
  };
  const floats = (path: string, rows?: readonly [number, number]): Float32Array => {
    const { shape, data } = find(path);
    if (rows === undefined) return data;
    const width = data.length / (shape[0] ?? 1);
    return data.slice(rows[0] * width, rows[1] * width);
  };
  return {
    keys: () => map.keys(),
    info: (path) => (map.has(path) ? { dtype: "F32", shape: find(path).shape } : undefined),
    read: async (path, options) => {
      const data = floats(path, options?.rows);
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    },
    floats: async (path, options) => floats(path, options?.rows),
  };
}

/** The same weights under other names: `to` gives the stored name of a path. */
export function renamed(source: WeightSource, names: ReadonlyMap<string, string>): WeightSource {
  const to = (path: string) => names.get(path) ?? path;
  const locate = source.locate?.bind(source);
  return {
    keys: () => names.keys(),
    info: (path) => (names.has(path) ? source.info(to(path)) : undefined),
    read: (path, options) => source.read(to(path), options),
    floats: (path, options) => source.floats(to(path), options),
    ...(locate && { locate: (path: string) => locate(to(path)) }),
  };
}

/** Two sources as one: what `over` has is its own, the rest the base's. For a part that is trained or swapped. */
export function overlayWeights(base: WeightSource, over: WeightSource): WeightSource {
  const of = (path: string) => (over.info(path) === undefined ? base : over);
  const locates = base.locate !== undefined || over.locate !== undefined;
  return {
    keys: () => new Set([...base.keys(), ...over.keys()]).keys(),
    info: (path) => of(path).info(path),
    read: (path, options) => of(path).read(path, options),
    floats: (path, options) => of(path).floats(path, options),
    ...(locates && { locate: (path: string) => of(path).locate?.(path) }),
  };
}
