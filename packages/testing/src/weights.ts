import { evaluate, memoryWeights, nn, type WeightSource } from "@hulu/core";
import { Random, seedOf } from "./random.js";

/**
 * Weights for a model, the same for one seed. Matrices keep the size of what goes through them; the scales of norms lie
 * around 1 and biases around 0, neither so close that leaving them out would pass.
 */
export function randomWeights(root: nn.Module<unknown>, seed: number): WeightSource {
  return memoryWeights(
    [...nn.paths(root)].map(([path, { dims }]) => {
      const random = new Random(seedOf(path, seed));
      const shape = dims.map((d) => evaluate(d.size, {}));
      const inner = shape.slice(1).reduce((n, d) => n * d, 1);
      const draw =
        shape.length > 1 ? spread(Math.sqrt(3 / inner)) : path.endsWith("weight") ? spread(0.3, 1) : spread(0.3);
      const count = shape.reduce((n, d) => n * d, 1);
      return [path, { shape, data: Float32Array.from({ length: count }, () => draw(random)) }] as const;
    }),
  );
}

const spread =
  (by: number, around = 0) =>
  (random: Random): number =>
    random.float(around - by, around + by);

/** The same weights, and a note of every path whose numbers were asked for. */
export function watched(weights: WeightSource): { readonly weights: WeightSource; readonly read: string[] } {
  const read: string[] = [];
  return {
    read,
    weights: {
      keys: () => weights.keys(),
      info: (path) => weights.info(path),
      read: (path, options) => {
        read.push(path);
        return weights.read(path, options);
      },
      floats: (path, options) => {
        read.push(path);
        return weights.floats(path, options);
      },
    },
  };
}
