import { dot, normalOf, type Slice, type Vector } from "./slice.js";

/** Slices from the first to the last along their normal; one per place. */
export interface Stack {
  readonly slices: readonly Slice[];
  /** mm along the normal, ascending. Undefined where the files do not say. */
  readonly positions: readonly number[] | undefined;
}

export interface Ordered {
  /** One where the places are all different; else one per moment, b-value, echo or whatever tells them apart. */
  readonly stacks: readonly Stack[];
  /** What stood in for positions. */
  readonly orderedBy: "position" | "slice location" | "instance number" | "file";
  /** What tells the volumes of a 4D series apart. */
  readonly splitBy: string | undefined;
  /** Slices that are in none of the volumes: 4D series of which a part is missing. */
  readonly spare: number;
}

/** Two slices are at one place if they are closer than this, mm. */
const SAME_PLACE = 1e-3;

/** Sorts a group by where its slices lie, never by instance number where there are positions. */
export function orderSlices(slices: readonly Slice[]): Ordered {
  const normal = normalOf(slices[0]!.at);
  const [by, place] = placing(slices, normal);
  const sorted = slices.map((slice, i) => ({ slice, place: place(slice, i) })).toSorted((a, b) => a.place - b.place);
  if (by !== "position") {
    const stack = { slices: sorted.map(({ slice }) => slice), positions: undefined };
    return { stacks: [stack], orderedBy: by, splitBy: undefined, spare: 0 };
  }
  const places: { at: number; slices: Slice[] }[] = [];
  for (const { slice, place } of sorted) {
    const last = places.at(-1);
    if (last !== undefined && place - last.at < SAME_PLACE) last.slices.push(slice);
    else places.push({ at: place, slices: [slice] });
  }
  const { volumes, splitBy } = splitPlaces(places.map((p) => p.slices));
  const stacks = volumes.map((volume) => {
    const there = places.map(({ at }, i) => ({ at, slice: volume[i] })).filter(({ slice }) => slice !== undefined);
    return { slices: there.map(({ slice }) => slice!), positions: there.map(({ at }) => at) };
  });
  const used = stacks.reduce((n, stack) => n + stack.slices.length, 0);
  return { stacks, orderedBy: by, splitBy, spare: slices.length - used };
}

function placing(
  slices: readonly Slice[],
  normal: Vector | undefined,
): readonly [Ordered["orderedBy"], (slice: Slice, i: number) => number] {
  if (normal !== undefined && slices.every(({ at }) => at.position !== undefined))
    return ["position", ({ at }) => dot(at.position!, normal)];
  if (distinct(slices.map(({ header }) => header.sliceLocation)))
    return ["slice location", ({ header }) => header.sliceLocation!];
  if (distinct(slices.map(({ header }) => header.instance)))
    return ["instance number", ({ header }) => header.instance!];
  return ["file", (_slice, i) => i];
}

const distinct = (values: readonly unknown[]): boolean =>
  !values.includes(undefined) && new Set(values).size === values.length;

/** What may tell slices at one place apart, the most telling first. */
const DISCRIMINATORS: readonly (readonly [string, (slice: Slice) => number | string | undefined])[] = [
  ["temporal position", ({ at }) => at.temporalPosition],
  ["b-value", ({ at }) => at.bValue],
  ["echo", ({ at }) => at.echoTime],
  ["acquisition", ({ header }) => header.acquisition],
  ["kind of image", ({ header }) => header.imageType.join("\\")],
];

type Column = readonly (Slice | undefined)[];

/** What a volume has of the places, and the volumes together of the slices. */
const MOST = 0.8;

/**
 * One volume per value of the first thing that tells the slices at each place apart; else by rank of the instance number.
 * Volumes that lack a fifth of the places are left out. A thing that would leave out a fifth of the slices is no such thing:
 * two blocks that overlap by a slice, say, are one volume with a slice to spare.
 */
function splitPlaces(places: readonly (readonly Slice[])[]): {
  volumes: readonly Column[];
  splitBy: string | undefined;
} {
  const most = Math.max(...places.map((slices) => slices.length));
  if (most === 1) return { volumes: [places.map(([slice]) => slice)], splitBy: undefined };
  const all = places.flat().length;
  for (const [splitBy, read] of DISCRIMINATORS) {
    const columns = places.map((slices) => new Map(slices.map((slice) => [read(slice), slice])));
    if (columns.some((column, i) => column.has(undefined) || column.size < places[i]!.length)) continue;
    const values = new Set(columns.flatMap((column) => [...column.keys()]));
    // So many volumes would be nearly empty ones.
    if (values.size * places.length > 4 * all) continue;
    const sorted = [...values].toSorted((a, b) => (typeof a === "number" ? a - (b as number) : a! < b! ? -1 : 1));
    const volumes = whole(sorted.map((value) => columns.map((column) => column.get(value))));
    if (volumes.reduce((n, volume) => n + countOf(volume), 0) > MOST * all) return { volumes, splitBy };
  }
  const ranked = places.map((slices) => slices.toSorted((a, b) => instance(a) - instance(b)));
  const volumes = Array.from({ length: most }, (_, rank) => ranked.map((slices) => slices[rank]));
  return { volumes: whole(volumes), splitBy: "instance number" };
}

const countOf = (volume: Column): number => volume.filter((slice) => slice !== undefined).length;

const whole = (volumes: readonly Column[]): Column[] =>
  volumes.filter((volume) => countOf(volume) > MOST * volume.length);

/** A frame of an enhanced file counts within it. */
const instance = ({ header, frame }: Slice): number => (header.instance ?? 0) * 2 ** 20 + frame;
