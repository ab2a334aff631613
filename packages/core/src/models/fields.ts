/** A checkpoint's configuration is wrong or not one that runs here; the message names the file's field and what would be right. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Of any model: a number from outside must not decide how many are built. */
export const MOST_LAYERS = 1000;

/** Reads the fields of a JSON object that came from outside, each checked as it is read. */
export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;

  /** @param where what the object is called in messages: `config.json`, `config.json vision_config` */
  constructor(
    json: unknown,
    readonly where: string,
  ) {
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw new ConfigError(`${where} must be a JSON object`);
    this.#fields = new Map(Object.entries(json));
  }

  /** A field that is absent or null is undefined. */
  raw(name: string): unknown {
    return this.#fields.get(name) ?? undefined;
  }
  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** A whole number from `least` to `most`. */
  count(
    name: string,
    { least = 1, most = 1 << 24, otherwise }: { least?: number; most?: number; otherwise?: number } = {},
  ): number {
    const value = this.raw(name) ?? otherwise;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw this.#wrong(name, value, `a whole number from ${least} to ${most}`);
  }

  /** A finite number above zero. */
  positive(name: string, otherwise?: number): number {
    const value = this.raw(name) ?? otherwise;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    throw this.#wrong(name, value, "a finite number above 0");
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.raw(name) ?? otherwise;
    if (typeof value === "boolean") return value;
    throw this.#wrong(name, value, "true or false");
  }

  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === "string") return value;
    throw this.#wrong(name, value, "a string");
  }

  /** An object inside this one, or undefined where there is none. */
  object(name: string): Fields | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : new Fields(value, `${this.where} ${name}`);
  }

  /** A token id, or several. */
  ids(name: string): readonly number[] {
    const value = this.raw(name) ?? [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length <= 1024 && list.every((id) => Number.isSafeInteger(id))) return list as readonly number[];
    throw this.#wrong(name, value, "a token id or a list of them");
  }

  #wrong(name: string, found: unknown, right: string): ConfigError {
    const shown = found === undefined ? "is missing" : `is ${printed(found).slice(0, 60)}`;
    return new ConfigError(`${this.where}: ${name} ${shown}; it must be ${right}`);
  }
}

/** JSON has no word for Infinity, which 1e999 is read as, nor for NaN: `null` would be another mistake than the one made. */
const printed = (value: unknown): string =>
  typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
