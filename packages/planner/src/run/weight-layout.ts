import { countOf, type StoredTensor } from "@hulu/core";
import { type Storage, scalesPerRow, wordsPerRow } from "@hulu/kernels";
import type { Plan, PlannedWeight } from "../plan.js";

const WORD = 4;

/** How a matrix shall lie on a device: as the checkpoint has it, or converted. */
export type WeightStorage = "stored" | Storage;

/** Asked for each matrix; a weight that other kernels read too lies in float32 whatever this says. */
export type StorageOf = (path: string, stored: StoredTensor) => WeightStorage;

/** How one weight lies on a device: `rows` rows of `width` numbers, each packed by itself. */
export interface WeightLayout {
  readonly path: string;
  readonly stored: StoredTensor;
  readonly storage: Storage;
  readonly rows: number;
  readonly width: number;
  readonly bytes: number;
  /** 0 for what has no scales. */
  readonly scaleBytes: number;
}

/** The storage of the same numbers, not one bit lost; other types are widened to float32. */
export const storageAsStored = ({ dtype }: StoredTensor): Storage =>
  dtype === "BF16" ? "bf16" : dtype === "F16" ? "f16" : "f32";

/** Every weight of some plans, by path, in the order of their first use. */
export function weightLayouts(
  plans: Iterable<Plan>,
  infoOf: (path: string) => StoredTensor,
  storageOf: StorageOf = () => "stored",
): ReadonlyMap<string, WeightLayout> {
  const planned = new Map<string, PlannedWeight>();
  for (const plan of plans)
    for (const [path, weight] of plan.weights) {
      const before = planned.get(path);
      planned.set(path, before === undefined ? weight : both(before, weight));
    }
  return new Map([...planned].map(([path, weight]) => [path, layoutOf(path, weight, infoOf(path), storageOf)]));
}

/** The first weight that is larger than a buffer of a device can be. */
export const oversized = (
  layouts: ReadonlyMap<string, WeightLayout>,
  maxBufferSize: number,
): WeightLayout | undefined => [...layouts.values()].find(({ bytes }) => bytes > maxBufferSize);

/** What serves two uses: only float32 lies the same whatever its rows are. */
const both = (a: PlannedWeight, b: PlannedWeight): PlannedWeight =>
  a.use === b.use && a.rows === b.rows && a.width === b.width ? a : { ...a, use: "plain" };

function layoutOf(path: string, weight: PlannedWeight, stored: StoredTensor, storageOf: StorageOf): WeightLayout {
  const [rows, width] = [weight.rows, countOf(stored.shape) / Math.max(1, weight.rows)];
  const wanted = weight.use === "plain" ? "f32" : storageOf(path, stored);
  const storage = wanted === "stored" ? storageAsStored(stored) : wanted;
  return {
    path,
    stored,
    storage,
    rows,
    width,
    bytes: rows * wordsPerRow(storage, width) * WORD,
    scaleBytes: rows * scalesPerRow(storage, width) * WORD,
  };
}
