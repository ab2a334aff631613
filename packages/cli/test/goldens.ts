/** Where a value stands in a JSON document. */
export type Path = readonly (string | number)[];

/** The place of every number, text and truth value; of a long list those of its first and last element. */
export function* leaves(json: unknown, path: Path = []): Generator<Path> {
  if (Array.isArray(json)) {
    for (const i of new Set([0, json.length - 1])) if (i in json) yield* leaves(json[i], [...path, i]);
  } else if (typeof json === "object" && json !== null) {
    for (const [key, value] of Object.entries(json)) yield* leaves(value, [...path, key]);
  } else yield path;
}

/** A copy in which one value is another. @param by what is added to a number */
export function changed<T>(json: T, path: Path, by = 1): T {
  const copy = structuredClone(json);
  const [last, ...rest] = [...path].reverse() as [string | number, ...(string | number)[]];
  type Fields = Record<string | number, unknown>;
  const parent = rest.reverse().reduce((at, key) => at[key] as Fields, copy as Fields);
  const value = parent[last];
  parent[last] =
    typeof value === "number" ? value + by : typeof value === "boolean" ? !value : otherText(String(value));
  return copy;
}

/** A hash with another first digit, a word with another letter. */
const otherText = (text: string): string => (text.startsWith("0") ? `1${text.slice(1)}` : `0${text.slice(1)}`);
