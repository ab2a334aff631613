import { functionsOf, withoutComments } from "../source.js";

/** A source with one fault. */
export interface Mutant {
  readonly rule: string;
  /** From 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
  readonly source: string;
}

/** What goes wrong when kernels are written. Only between the braces of functions. */
const RULES: readonly (readonly [rule: string, find: RegExp, replace: string])[] = [
  ["a barrier dropped", /\b(?:workgroup|storage)Barrier\(\);/g, ""],
  ["a barrier dropped", /\bworkgroupUniformLoad\(&([\w.[\]]+)\)/g, "$1"],
  ["off by one row", /\b([a-z]\w*) \* (?=params\.|width|stride|per_row)/g, "($1 + 1) * "],
  ["off by one at the start", /= (\w+); (?=\w+ < )/g, "= $1 + 1; "],
  ["off by one at the end", / < (?=params\.)/g, " <= "],
  ["off by one at the end", / >= (?=params\.|\w+\.\w+ \*)/g, " > "],
  ["<= for <", / < /g, " <= "],
  ["< for <=", / <= /g, " < "],
  ["> for >=", / >= /g, " > "],
  // Not of what counts down to 0, which would never end.
  [">= for >", / > (?!0\b)/g, " >= "],
  ["the sign", / - /g, " + "],
  ["the sign", /([=(,]\s*)-(?=[a-z])/g, "$1"],
  ["the sign", / \+ /g, " - "],
  ["the sign", / \+= /g, " -= "],
  ["a product left out", / \* (\w+(?:\.\w+)*)(?!\w*[([.])/g, ""],
  ["a group of another size", / \/ (\d+)\b/g, " / (2 * $1)"],
  ["/ for %", / % /g, " / "],
  ["% for /", / \/ /g, " % "],
  ["cos for sin", /\bsin(?=[[(])/g, "cos"],
  ["sin for cos", /\bcos(?=[[(])/g, "sin"],
  ["min for max", /\bmax\(/g, "min("],
  ["max for min", /\bmin\(/g, "max("],
  ["|| for &&", / && /g, " || "],
  ["&& for ||", / \|\| /g, " && "],
  ["a tail not looked at", /\bif \([^{]*\) \{ return; \}/g, ""],
  ["another component", /\.x\b(?! [*/]? ?\w*\bgroups)/g, ".y"],
];

/**
 * All mutants of a piece of source, in the order of the rules.
 * @param used names of the functions that are ever called
 */
export function mutantsOf(text: string, used: ReadonlySet<string>): Mutant[] {
  const source = withoutComments(text);
  const bodies = functionsOf(source).filter(({ name }) => used.has(name));
  const seen = new Set([source]);
  return RULES.flatMap(([rule, find, replace]) =>
    [...source.matchAll(find)].flatMap((match) => {
      const { index } = match;
      const [found] = match;
      if (!bodies.some(({ begin, end }) => index >= begin && index + found.length <= end)) return [];
      const put = replace.replace("$1", match[1] ?? "");
      const mutated = source.slice(0, index) + put + source.slice(index + found.length);
      if (seen.has(mutated)) return [];
      seen.add(mutated);
      const line = source.slice(0, index).split("\n").length;
      const [before = "", after = ""] = [source, mutated].map((s) => s.split("\n")[line - 1]?.trim());
      return [{ rule, line, before, after, source: mutated }];
    }),
  );
}

/** A choice of so many of each rule, the same for the same seed. */
export function sampled<T extends { readonly rule: string }>(
  mutants: readonly T[],
  each: number,
  unit: () => number,
): T[] {
  const rules = [...new Set(mutants.map(({ rule }) => rule))];
  return rules.flatMap((rule) => {
    const some = mutants.filter((m) => m.rule === rule);
    while (some.length > each) some.splice(Math.floor(unit() * some.length), 1);
    return some;
  });
}
