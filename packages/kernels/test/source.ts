// What a test must know of WGSL beyond its reflection: bodies of functions, and numbers that hang on a preset.

interface FunctionText {
  readonly name: string;
  /** Where it stands in the source: of its body, without the braces. */
  readonly begin: number;
  readonly end: number;
}

export const withoutComments = (source: string): string => source.replace(/\/\/.*/g, "");

/** The functions of a source that has no comments. */
export function functionsOf(source: string): FunctionText[] {
  const heads = [...source.matchAll(/\bfn\s+(\w+)\s*\([^{]*\{/g)];
  return heads.map(({ 0: head, 1: name = "", index }) => {
    const begin = index + head.length;
    let end = begin;
    for (let open = 1; open > 0 && end < source.length; end++)
      open += source[end] === "{" ? 1 : source[end] === "}" ? -1 : 0;
    return { name, begin, end: end - 1 };
  });
}

/** Threads of a workgroup of each entry point, in their order. */
export const threadsOf = (source: string, constants: Constants): number[] =>
  [...source.matchAll(/@workgroup_size\(([^@{]*?)\)\s*fn\b/g)].map(([, sizes = ""]) =>
    sizes.split(",").reduce((n, size) => n * numberOf(size, source, constants), 1),
  );

/** The declarations alone: wgsl_reflect does not know every statement and size that Dawn takes. */
export function withoutBodies(source: string): string {
  let kept = "";
  let at = 0;
  for (const { begin, end } of functionsOf(source)) {
    kept += source.slice(at, begin);
    at = end;
  }
  return (kept + source.slice(at)).replace(/@workgroup_size\([^@{]*?\)(?=\s*fn\b)/g, "@workgroup_size(1)");
}

/** Functions by name, with all that they call, and their bodies. */
export function reached(source: string, entries: readonly string[]): ReadonlyMap<string, string> {
  const bodies = new Map(functionsOf(source).map((f) => [f.name, source.slice(f.begin, f.end)]));
  const names = new Set(entries);
  for (const name of names)
    for (const [word] of (bodies.get(name) ?? "").matchAll(/\b\w+\b/g)) if (bodies.has(word)) names.add(word);
  return new Map([...names].map((name) => [name, bodies.get(name) ?? ""]));
}

type Constants = Readonly<Record<string, number>>;

/** Bytes of the workgroup memory of an entry point. */
export function workgroupBytes(source: string, entry: string, constants: Constants): number {
  const used = [...reached(source, [entry]).values()].join("\n");
  let bytes = 0;
  for (const [, name = "", type = ""] of source.matchAll(/^\s*var<workgroup>\s+(\w+)\s*:\s*([^;]+);/gm))
    if (new RegExp(`\\b${name}\\b`).test(used)) bytes += bytesOf(type.trim(), source, constants);
  return bytes;
}

const BYTES: Readonly<Record<string, number>> = { f32: 4, i32: 4, u32: 4, f16: 2, f: 4, i: 4, u: 4, h: 2, bool: 4 };

function bytesOf(type: string, source: string, constants: Constants): number {
  const [, element, count] = /^array<(.+),([^,]+?),?\s*>$/.exec(type) ?? [];
  if (element !== undefined && count !== undefined)
    return bytesOf(element.trim(), source, constants) * numberOf(count, source, constants);
  const [, width, of, letter] = /^vec([234])(?:<(\w+)>|([fiuh]))$/.exec(type) ?? [];
  if (width !== undefined) return (width === "3" ? 4 : Number(width)) * bytesOf(of ?? letter ?? "", source, constants);
  const [, counter] = /^atomic<(\w+)>$/.exec(type) ?? [];
  if (counter !== undefined) return bytesOf(counter, source, constants);
  const [, alias] = new RegExp(`\\balias ${type}\\s*=\\s*([^;]+);`).exec(source) ?? [];
  if (alias !== undefined) return bytesOf(alias.trim(), source, constants);
  const [, members] = new RegExp(`\\bstruct ${type}\\s*\\{([^}]*)\\}`).exec(source) ?? [];
  if (members !== undefined)
    return [...members.matchAll(/:\s*([^,]+)/g)].reduce((n, [, t = ""]) => n + bytesOf(t.trim(), source, constants), 0);
  return BYTES[type] ?? Number.NaN;
}

/** The value of an expression of numbers, constants and the four operations; NaN for anything else. */
function numberOf(text: string, source: string, constants: Constants): number {
  const plain = text.replace(/\b[A-Za-z_]\w*\b/g, (name) => {
    if (constants[name] !== undefined) return String(constants[name]);
    const found = new RegExp(`\\b(?:const|override) ${name}\\b(?:\\s*:\\s*\\w+)?\\s*=\\s*([^;]+);`).exec(source);
    return found === null ? "NaN" : `(${numberOf(found[1]!, source, constants)})`;
  });
  const sum = plain.replace(/(\d)[ui]\b/g, "$1");
  return /^[\d\s+*/()-]+$/.test(sum) ? (Function(`return ${sum}`)() as number) : Number.NaN;
}
