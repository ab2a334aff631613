import { type Axis, type Names, namesOf } from "../graph/axis.js";
import { record, withScope } from "../graph/scope.js";
import { emit, GraphError, type Value } from "../graph/value.js";
import { paramOp } from "../ops/leaves.js";

/** A weight that a module reads; its name in the checkpoint is the path of keys that leads to it. */
export interface Param<A extends string = string> {
  readonly kind: "param";
  readonly axes: A;
  readonly dims: readonly Axis[];
}

export type Child = Param | Module<unknown> | readonly Module<unknown>[] | undefined;
export type Children = Readonly<Record<string, Child>>;

/** What a forward function sees in the place of its children: values for weights, functions for modules. */
export type Bound<C> =
  C extends Module<infer T>
    ? T
    : C extends Param<infer A>
      ? Value<A>
      : C extends readonly Module<infer T>[]
        ? readonly T[]
        : C extends undefined
          ? undefined
          : never;
export type BoundChildren<C extends Children> = { readonly [K in keyof C]: Bound<C[K]> };

/**
 * A building block: a record of children and a forward function over them (or a record of such functions). A child's key
 * is its name in the checkpoint, written once.
 */
export interface Module<T = unknown> {
  readonly kind: "module";
  readonly children: Children;
  /** Made from the bound children when the module is bound. */
  readonly forward: (children: never) => T;
}

/** A weight with these axes. (The first overloads say what the last one does, without a recursive type.) */
export function param<A extends string>(a: Axis<A>): Param<A>;
export function param<A extends string, B extends string>(a: Axis<A>, b: Axis<B>): Param<`${A} ${B}`>;
export function param<A extends string, B extends string, C extends string>(
  a: Axis<A>,
  b: Axis<B>,
  c: Axis<C>,
): Param<`${A} ${B} ${C}`>;
export function param<A extends string, B extends string, C extends string, D extends string>(
  a: Axis<A>,
  b: Axis<B>,
  c: Axis<C>,
  d: Axis<D>,
): Param<`${A} ${B} ${C} ${D}`>;
export function param<const T extends readonly Axis[]>(...dims: T): Param<Names<T>>;
export function param(...dims: readonly Axis[]): Param {
  return Object.freeze({ kind: "param", axes: namesOf(dims), dims });
}

export function module<const C extends Children, T>(
  children: C,
  forward: (children: BoundChildren<C>) => T,
): Module<T> {
  return Object.freeze({ kind: "module", children: Object.freeze({ ...children }), forward });
}

const join = (path: string, key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);

/** Give a module its weights and its path: the result is what its forward function gave, ready to be called in a trace. */
export function bind<T>(m: Module<T>, path = ""): T {
  const bound = Object.fromEntries(
    Object.entries(m.children).map(([key, child]) => [key, bindChild(child, join(path, key))]),
  );
  return scoped((m.forward as (children: Record<string, unknown>) => T)(bound), path);
}

function bindChild(child: Child, path: string): unknown {
  if (child === undefined) return undefined;
  if (isList(child)) return child.map((m, i) => bind(m, join(path, i)));
  if (child.kind === "module") return bind(child, path);
  return emit(paramOp, [], { path, dims: child.dims, dtype: "f32" });
}

const isList = (child: Child): child is readonly Module[] => Array.isArray(child);

type Callable = (...args: readonly unknown[]) => unknown;

/** Run under the module's path, and note what came out. */
function scoped<T>(forward: T, path: string): T {
  const wrap = (f: Callable, name: string): Callable => {
    return (...args) => {
      const result = withScope(path, () => f(...args));
      if (isValue(result)) record(name, result);
      return result;
    };
  };
  if (typeof forward === "function") return wrap(forward as Callable, path) as T;
  if (typeof forward !== "object" || forward === null) return forward;
  const entries = Object.entries(forward).map(([key, f]) => [
    key,
    typeof f === "function" ? wrap(f as Callable, join(path, key)) : f,
  ]);
  return Object.fromEntries(entries) as T;
}

const isValue = (x: unknown): x is Value =>
  typeof x === "object" && x !== null && "op" in x && "dims" in x && "inputs" in x;

/** Every weight below a module, by path; nothing is traced. A tied weight has one path. */
export function paths(m: Module<unknown>, path = ""): ReadonlyMap<string, Param> {
  const found = new Map<string, Param>();
  const visit = (child: Child, at: string): void => {
    if (child === undefined) return;
    if (isList(child)) child.forEach((c, i) => void visit(c, join(at, i)));
    else if (child.kind === "param") found.set(at, child);
    else for (const [key, c] of Object.entries(child.children)) visit(c, join(at, key));
  };
  visit(m, path);
  return found;
}

/**
 * The same module with the block at `path` swapped: another backbone, a linear wrapped in LoRA. The rest is shared, and
 * the old module stays as it was.
 * @param by gets the old block; spread its children to keep the weights' names
 * @throws GraphError when there is no module at the path; the message says what is there
 */
export function replace<M extends Module<unknown>>(
  m: M,
  path: string,
  by: (old: Module<unknown>) => Module<unknown>,
): M {
  return replaceAt(m, path.split("."), by, path) as M;
}

function replaceAt(
  m: Module<unknown>,
  [key, ...rest]: readonly string[],
  by: (old: Module<unknown>) => Module<unknown>,
  path: string,
): Module<unknown> {
  const missing = () =>
    new GraphError(`there is no module at ${path}; beside ${key} there are: ${Object.keys(m.children).join(", ")}`);
  if (key === undefined || !Object.hasOwn(m.children, key)) throw missing();
  const child = m.children[key];
  const swap = (old: Module<unknown>, further: readonly string[]) =>
    further.length === 0 ? by(old) : replaceAt(old, further, by, path);
  let swapped: Child;
  if (isList(child)) {
    const index = /^\d+$/.test(rest[0] ?? "") ? Number(rest[0]) : Number.NaN;
    const old = child[index];
    if (old === undefined)
      throw new GraphError(`${path}: ${key} has ${child.length} entries, not one called ${rest[0] ?? "(none given)"}`);
    swapped = child.with(index, swap(old, rest.slice(1)));
  } else if (child?.kind === "module") swapped = swap(child, rest);
  else throw missing();
  return Object.freeze({ ...m, children: Object.freeze({ ...m.children, [key]: swapped }) });
}

/**
 * The same module with every block swapped whose path matches. LoRA around all query and value projections of a decoder:
 * `replaceAll(root, /^model\.layers\.\d+\.self_attn\.[qv]_proj$/, (old) => lora(old, { rank: 8, alpha: 16 }))`; without the
 * beginning, an encoder's would be among them. What stands inside a swapped block is left to `by`.
 * @throws GraphError when no path matches; the message names the nearest
 */
export function replaceAll<M extends Module<unknown>>(
  m: M,
  pattern: RegExp,
  by: (old: Module<unknown>, path: string) => Module<unknown>,
): M {
  const seen: string[] = [];
  let count = 0;
  const swap = (old: Module<unknown>, path: string): Module<unknown> => {
    seen.push(path);
    // Unlike `test`, `search` keeps no place in a pattern with the flag g.
    if (path.search(pattern) < 0) return inside(old, path);
    count++;
    return by(old, path);
  };
  const inside = (old: Module<unknown>, path: string): Module<unknown> => {
    const children = Object.entries(old.children).map(([key, child]) => {
      const at = join(path, key);
      if (isList(child)) return [key, child.map((c, i) => swap(c, join(at, i)))];
      return [key, child?.kind === "module" ? swap(child, at) : child];
    });
    return Object.freeze({ ...old, children: Object.freeze(Object.fromEntries(children)) });
  };
  const swapped = inside(m, "");
  if (count === 0) throw new GraphError(`no module's path matches ${pattern}; near: ${near(pattern.source, seen)}`);
  return swapped as M;
}

/** The paths that share most runs of three letters with a text; layers of one kind stand as one, `layers.*.self_attn`. */
function near(text: string, paths: readonly string[]): string {
  const runs = (s: string) => new Set(Array.from({ length: Math.max(0, s.length - 2) }, (_, i) => s.slice(i, i + 3)));
  const wanted = runs(text);
  const likeness = (path: string) => {
    const found = runs(path);
    return [...found].filter((run) => wanted.has(run)).length / (found.size + wanted.size || 1);
  };
  const kinds = [...new Set(paths.map((path) => path.replace(/\.\d+(?=\.|$)/g, ".*")))];
  const nearest = kinds.sort((a, b) => likeness(b) - likeness(a)).slice(0, 5);
  return nearest.join(", ") || "(there are no modules)";
}
