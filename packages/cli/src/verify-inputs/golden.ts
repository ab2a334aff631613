/**
 * Holds the fields of a published entry against what was found. A field that nothing compares and nobody names as a remark
 * is a difference too: it would hide an error.
 */
export class Golden {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #known = new Set<string>();
  readonly #parts: Golden[] = [];
  readonly #where: string;
  readonly #wrong: string[];

  constructor(json: unknown, where = "", wrong: string[] = []) {
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw new TypeError(`${where || "an entry"} of the goldens must be an object`);
    this.#fields = new Map(Object.entries(json));
    this.#where = where;
    this.#wrong = wrong;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }
  /** Its fields, where they are names of others' choice. */
  names(): readonly string[] {
    return [...this.#fields.keys()];
  }
  /** What the comparison starts from. */
  input(name: string): unknown {
    this.#known.add(name);
    return this.#fields.get(name);
  }
  /** Remarks of the one who made the goldens: there is nothing to compare. */
  remarks(...names: readonly string[]): void {
    for (const name of names) this.#known.add(name);
  }

  /** Equal: numbers, texts, lists of them. An absent field is not compared, here and below. */
  equal(name: string, found: unknown): void {
    this.near(name, found, 0);
  }
  /** Numbers that may differ by `bound`, and where they are large by this part of themselves. */
  near(name: string, found: unknown, bound: number): void {
    if (!this.has(name)) return;
    const difference = differs(found, this.input(name), bound);
    if (difference !== undefined) this.wrong(name, difference);
  }
  /** A field that is an object. */
  part(name: string): Golden | undefined {
    return this.has(name) ? this.#part(this.input(name), name) : undefined;
  }
  /** A field that is a list of objects. */
  parts(name: string): readonly Golden[] | undefined {
    if (!this.has(name)) return undefined;
    const list = this.input(name);
    if (!Array.isArray(list)) throw new TypeError(`${this.#path(name)} of the goldens must be a list`);
    return list.map((json, i) => this.#part(json, `${name}[${i}]`));
  }
  #part(json: unknown, name: string): Golden {
    const part = new Golden(json, this.#path(name), this.#wrong);
    this.#parts.push(part);
    return part;
  }

  wrong(name: string, what: string): void {
    this.#wrong.push(`${this.#path(name)}: ${what}`);
  }
  #path(name: string): string {
    return this.#where === "" ? name : `${this.#where}.${name}`;
  }

  /** The differences so far. */
  differences(): readonly string[] {
    return this.#wrong;
  }
  /** All differences, those of its parts among them, once everything is compared. */
  finish(): readonly string[] {
    for (const name of this.#fields.keys()) if (!this.#known.has(name)) this.wrong(name, "nothing is known of it");
    for (const part of this.#parts) part.finish();
    return this.#wrong;
  }
}

const shown = (value: unknown): string => {
  const text = value === undefined ? "absent" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

/** Where two values differ, in words; undefined where they do not. */
function differs(found: unknown, wanted: unknown, bound: number): string | undefined {
  if (Array.isArray(wanted) && Array.isArray(found)) {
    if (found.length !== wanted.length) return `${found.length} values, published as ${wanted.length}`;
    for (const [i, value] of wanted.entries()) {
      const difference = differs(found[i], value, bound);
      if (difference !== undefined) return `element ${i} is ${difference.replace(/^is /, "")}`;
    }
    return undefined;
  }
  if (typeof wanted === "number" && typeof found === "number") {
    if (Math.abs(found - wanted) <= bound * Math.max(1, Math.abs(wanted))) return undefined;
  } else if (found === wanted) return undefined;
  return `is ${shown(found)}, published as ${shown(wanted)}`;
}
