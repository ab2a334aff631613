import { multiplySizes, printSize, type Size } from "./size.js";

/**
 * A named axis. The name is its type, the size is data. A fused axis is spelled `head*dim` and keeps its parts, so that
 * it can be split again without being told sizes.
 */
export interface Axis<N extends string = string, S extends Size = Size> {
  readonly name: N;
  readonly size: S;
  readonly parts?: readonly Axis[];
}

export function axis<const N extends string, const S extends Size>(name: N, size: S): Axis<N, S> {
  if (!/^[A-Za-z][A-Za-z0-9_']*$/.test(name)) throw new RangeError(`an axis name is one plain word, not "${name}"`);
  if (typeof size === "number" && (!Number.isSafeInteger(size) || size < 0))
    throw new RangeError(`axis ${name} needs a size of zero or more whole elements, not ${size}`);
  return Object.freeze({ name, size });
}

/** The names of a list of axes, fused: `head*dim`. */
export type Fused<T extends readonly Axis[]> = T extends readonly [Axis<infer N>]
  ? N
  : T extends readonly [Axis<infer N>, ...infer R extends readonly Axis[]]
    ? `${N}*${Fused<R>}`
    : string;

/** The names of a list of axes, as a value's type says them: `batch seq embed`. */
export type Names<T extends readonly Axis[]> = T extends readonly [Axis<infer N>]
  ? N
  : T extends readonly [Axis<infer N>, ...infer R extends readonly Axis[]]
    ? `${N} ${Names<R>}`
    : string;

/** One axis in place of several, the last one running fastest. (The first overloads save the compiler a recursive type.) */
export function fuse<A extends string, B extends string>(a: Axis<A>, b: Axis<B>): Axis<`${A}*${B}`>;
export function fuse<A extends string, B extends string, C extends string>(
  a: Axis<A>,
  b: Axis<B>,
  c: Axis<C>,
): Axis<`${A}*${B}*${C}`>;
export function fuse<const T extends readonly Axis[]>(...axes: T): Axis<Fused<T>>;
export function fuse<const T extends readonly Axis[]>(...axes: T): Axis<Fused<T>> {
  const parts = axes.flatMap(atoms);
  if (new Set(parts.map((p) => p.name)).size !== parts.length)
    throw new RangeError(`an axis cannot be fused with itself: ${parts.map((p) => p.name).join("*")}`);
  const name = parts.map((p) => p.name).join("*") as Fused<T>;
  const size = multiplySizes(...parts.map((p) => p.size));
  return Object.freeze(parts.length === 1 ? { name, size } : { name, size, parts: Object.freeze(parts) });
}

/** The unfused axes that an axis is made of. */
export const atoms = (a: Axis): readonly Axis[] => a.parts ?? [a];

/** The names of a list of axes, in one string: what a `Value`'s type says. */
export const namesOf = (dims: readonly Axis[]): string => dims.map((d) => d.name).join(" ");

/** `batch seq embed=64`: names, and the sizes that are not simply a symbol of the same name. */
export const printDims = (dims: readonly Axis[]): string =>
  dims.map((d) => (printSize(d.size) === d.name ? d.name : `${d.name}=${printSize(d.size)}`)).join(" ");
