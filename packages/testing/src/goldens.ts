import { readdir, readFile } from "node:fs/promises";
import type { WeightSource } from "@hulu/core";
import { openCheckpoint, open as openFile, toTypedArray } from "@hulu/safetensors";

/** A tensor of a golden case: any stored type, as numbers. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** The same as whole numbers, for ids and sizes. */
  readonly ints: () => number[];
}

/** One case: what went in and what the authors' code gave, by key (`in.pixel_values`, `out.logits`). */
export interface GoldenCase {
  readonly name: string;
  readonly has: (key: string) => boolean;
  /** @throws RangeError for a key that the case lacks */
  readonly tensor: (key: string) => GoldenTensor;
  /** The case's json: conversation, merge size, mean and std. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** One model with its cases, as in test/data/goldens. */
export interface Goldens {
  readonly config: unknown;
  readonly preprocessor: unknown;
  readonly weights: WeightSource;
  /** Of its cases, in the order of their names. */
  readonly cases: readonly string[];
  readonly case: (name: string) => Promise<GoldenCase>;
}

/** Open a folder of golden data: `config.json`, weights, and pairs of `case-NAME.safetensors` and `.json`. */
export async function openGoldens(folder: string | URL): Promise<Goldens> {
  const base = typeof folder === "string" ? folder.replace(/\/?$/, "/") : folder.href.replace(/\/?$/, "/");
  const place = (name: string) => (typeof folder === "string" ? base + name : new URL(name, base));
  const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(place(name), "utf8"));
  const files = await readdir(typeof folder === "string" ? folder : new URL(base));
  const optional = async (name: string) => (files.includes(name) ? json(name) : undefined);
  return {
    config: await json("config.json"),
    preprocessor: await optional("preprocessor_config.json"),
    weights: await openCheckpoint(folder),
    cases: files
      .flatMap((file) => /^(case-.*)\.safetensors$/.exec(file)?.[1] ?? [])
      .filter((name) => !name.endsWith("-grads"))
      .sort(),
    case: async (name) => ({
      name,
      about: ((await optional(`${name}.json`)) ?? {}) as Record<string, unknown>,
      ...(await tensorsOf(place(`${name}.safetensors`), name)),
    }),
  };
}

async function tensorsOf(file: string | URL, name: string): Promise<Pick<GoldenCase, "has" | "tensor">> {
  const source = await openFile(file);
  const tensors = new Map<string, GoldenTensor>();
  for (const key of source.keys()) {
    const { dtype, shape } = source.info(key) as { dtype: "F32"; shape: readonly number[] };
    const bytes = await source.read(key);
    const data = await source.floats(key);
    tensors.set(key, { shape, data, ints: () => Array.from(toTypedArray(dtype, bytes), Number) });
  }
  await source.close();
  return {
    has: (key) => tensors.has(key),
    tensor: (key) => {
      const tensor = tensors.get(key);
      if (tensor === undefined) throw new RangeError(`${name} has no ${key}; it has ${[...tensors.keys()].join(", ")}`);
      return tensor;
    },
  };
}
