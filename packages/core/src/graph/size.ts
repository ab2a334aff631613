/**
 * A size: a number, or a polynomial of run-time symbols, such as `ctx = past + seq` or `patch = token*window`.
 * Monomials are spelled with their symbols sorted and joined by `*`; the constant term is spelled "".
 */
export type Size = number | Polynomial;
export interface Polynomial {
  readonly terms: Readonly<Record<string, number>>;
}
/** What each run-time symbol stands for in one call. */
export type Env = Readonly<Record<string, number>>;

type Terms = Map<string, number>;

const toTerms = (size: Size): Terms =>
  typeof size === "number" ? new Map(size === 0 ? [] : [["", size]]) : new Map(Object.entries(size.terms));

function fromTerms(terms: Terms): Size {
  const kept = [...terms].filter(([, factor]) => factor !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  if (kept.length === 0) return 0;
  if (kept.length === 1 && kept[0]![0] === "") return kept[0]![1];
  return Object.freeze({ terms: Object.freeze(Object.fromEntries(kept)) });
}

const factors = (monomial: string): string[] => (monomial === "" ? [] : monomial.split("*"));

/** A run-time symbol as a size. */
export function symbol(name: string): Size {
  if (!/^[a-z][a-z0-9_]*$/i.test(name)) throw new RangeError(`a size symbol is a plain word, not "${name}"`);
  return fromTerms(new Map([[name, 1]]));
}

export function addSizes(a: Size, b: Size, sign: 1 | -1 = 1): Size {
  const sum = toTerms(a);
  for (const [monomial, factor] of toTerms(b)) sum.set(monomial, (sum.get(monomial) ?? 0) + sign * factor);
  return fromTerms(sum);
}

export const subtractSizes = (a: Size, b: Size): Size => addSizes(a, b, -1);

export function multiplySizes(...sizes: readonly Size[]): Size {
  let product: Terms = new Map([["", 1]]);
  for (const size of sizes) {
    const next: Terms = new Map();
    for (const [m, f] of product)
      for (const [n, g] of toTerms(size)) {
        const key = [...factors(m), ...factors(n)].sort().join("*");
        next.set(key, (next.get(key) ?? 0) + f * g);
      }
    product = next;
  }
  return fromTerms(product);
}

/** `a / b` where it is exact: `b` is one term that divides every term of `a`. Anything else is a RangeError. */
export function divideSizes(a: Size, b: Size): Size {
  if (b !== 0 && sameSize(a, b)) return 1;
  const divisor = [...toTerms(b)];
  const fail = () => new RangeError(`${printSize(a)} does not divide by ${printSize(b)}`);
  if (divisor.length !== 1) throw fail();
  const [monomial, factor] = divisor[0]!;
  const quotient: Terms = new Map();
  for (const [m, f] of toTerms(a)) {
    const rest = factors(m);
    for (const s of factors(monomial)) {
      const at = rest.indexOf(s);
      if (at < 0) throw fail();
      rest.splice(at, 1);
    }
    if (f % factor !== 0) throw fail();
    quotient.set(rest.join("*"), f / factor);
  }
  return fromTerms(quotient);
}

export const sameSize = (a: Size, b: Size): boolean => printSize(a) === printSize(b);

export function printSize(size: Size): string {
  if (typeof size === "number") return String(size);
  return Object.entries(size.terms)
    .map(([m, f]) => (m === "" ? String(f) : f === 1 ? m : `${f}*${m}`))
    .join("+")
    .replaceAll("+-", "-");
}

/** The symbols that a size speaks of. */
export const symbolsOf = (size: Size): string[] =>
  typeof size === "number" ? [] : [...new Set(Object.keys(size.terms).flatMap(factors))];

/** The number that a size comes to; a symbol that `env` lacks is a RangeError. */
export function evaluate(size: Size, env: Env): number {
  if (typeof size === "number") return size;
  let sum = 0;
  for (const [monomial, factor] of Object.entries(size.terms)) {
    let product = factor;
    for (const s of factors(monomial)) {
      const value = env[s];
      if (value === undefined) throw new RangeError(`the size ${printSize(size)} needs ${s}, which nothing has set`);
      product *= value;
    }
    sum += product;
  }
  return sum;
}

/**
 * Solve `size = value` for the one symbol of it that `env` lacks. Gives undefined when none or several are open, and
 * NaN when no non-negative integer fits.
 */
export function solve(size: Size, value: number, env: Env): { symbol: string; value: number } | undefined {
  const open = symbolsOf(size).filter((s) => env[s] === undefined);
  if (open.length !== 1 || typeof size === "number") return undefined;
  const unknown = open[0]!;
  let known = 0;
  let slope = 0;
  for (const [monomial, factor] of Object.entries(size.terms)) {
    const symbols = factors(monomial);
    const power = symbols.filter((s) => s === unknown).length;
    const rest = symbols.filter((s) => s !== unknown).reduce((p, s) => p * env[s]!, factor);
    if (power > 1) return undefined;
    if (power === 1) slope += rest;
    else known += rest;
  }
  const solution = (value - known) / slope;
  return { symbol: unknown, value: Number.isInteger(solution) && solution >= 0 ? solution : Number.NaN };
}
