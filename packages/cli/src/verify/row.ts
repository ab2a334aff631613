/** One comparison: a stage of a case, held against what was published. */
export interface Row {
  readonly case: string;
  readonly stage: string;
  readonly status: "pass" | "fail" | "unsupported";
  readonly ok: boolean;
  /** The largest difference; where numbers must be equal, how many are not. Always finite. */
  readonly maxAbs: number;
  /** What `maxAbs` may be; 0 where numbers must be equal. */
  readonly bound: number;
  readonly reason?: string;
}

/** The outcome of one comparison, before it is known which row it belongs to. */
export interface Outcome {
  readonly maxAbs: number;
  readonly bound: number;
  readonly reason?: string;
}

function row(caseName: string, stage: string, { maxAbs, bound, reason }: Outcome): Row {
  const ok = maxAbs <= bound && reason === undefined;
  return {
    case: caseName,
    stage,
    status: ok ? "pass" : "fail",
    ok,
    maxAbs,
    bound,
    ...(reason !== undefined && { reason }),
  };
}

/** A stage that could not be computed at all. */
export const failure = (caseName: string, stage: string, error: unknown): Row =>
  row(caseName, stage, {
    maxAbs: 0,
    bound: 0,
    reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  });

/** The row of a stage; what keeps it from being compared fails it, and it alone. */
export async function rowOf(caseName: string, stage: string, compare: () => Outcome | Promise<Outcome>): Promise<Row> {
  try {
    return row(caseName, stage, await compare());
  } catch (error) {
    return failure(caseName, stage, error);
  }
}

export const unsupported = (caseName: string, stage: string, reason: string): Row => ({
  case: caseName,
  stage,
  status: "unsupported",
  ok: true,
  maxAbs: 0,
  bound: 0,
  reason,
});

const lengths = (found: number, wanted: number) => `${found} numbers where ${wanted} are wanted`;

/** Numbers that may differ by `bound`. What is not a number on one side only is as different as can be. */
export function within(found: ArrayLike<number>, wanted: ArrayLike<number>, bound: number): Outcome {
  if (found.length !== wanted.length)
    return { maxAbs: Math.max(found.length, wanted.length), bound, reason: lengths(found.length, wanted.length) };
  let most = 0;
  let place = 0;
  for (let i = 0; i < wanted.length; i++) {
    const difference = Object.is(found[i], wanted[i]) ? 0 : Math.abs(found[i]! - wanted[i]!);
    const size = Number.isFinite(difference) ? difference : Number.MAX_VALUE;
    if (size > most) {
      most = size;
      place = i;
    }
  }
  return most <= bound
    ? { maxAbs: most, bound }
    : { maxAbs: most, bound, reason: `element ${place} is ${found[place]}, published as ${wanted[place]}` };
}

/** Numbers that must be equal. */
export function exact(found: ArrayLike<number>, wanted: ArrayLike<number>): Outcome {
  if (found.length !== wanted.length)
    return { maxAbs: Math.max(found.length, wanted.length), bound: 0, reason: lengths(found.length, wanted.length) };
  let count = 0;
  let place = -1;
  for (let i = 0; i < wanted.length; i++)
    if (found[i] !== wanted[i]) {
      count++;
      if (place < 0) place = i;
    }
  return count === 0
    ? { maxAbs: 0, bound: 0 }
    : { maxAbs: count, bound: 0, reason: `element ${place} is ${found[place]}, published as ${wanted[place]}` };
}

/** The same outcome, unless the shapes differ: a transposed matrix has the same numbers in the same order. */
export function shaped(outcome: Outcome, found: readonly number[], wanted: readonly number[]): Outcome {
  if (found.join(" ") === wanted.join(" ")) return outcome;
  const reason = `the shape is [${found.join(" ")}], published as [${wanted.join(" ")}]`;
  return { maxAbs: outcome.maxAbs, bound: outcome.bound, reason };
}

/**
 * Holds the fields of a JSON entry against what is computed, all of them in one row. A field that nothing compares and
 * nothing reads is a failure: it would hide an error.
 */
export class Entry {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #known = new Set<string>();
  readonly #wrong: string[] = [];
  #count = 0;

  constructor(entry: unknown) {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry))
      throw new TypeError("an entry must be an object");
    this.#fields = new Map(Object.entries(entry));
  }

  /** An input of the computation; null and absent are undefined. */
  input<T>(name: string): T {
    this.#known.add(name);
    return (this.#fields.get(name) ?? undefined) as T;
  }
  has(name: string): boolean {
    return this.#fields.has(name);
  }

  /** An output: equal, number by number and text by text. An absent field is not compared. */
  equal(name: string, found: unknown): void {
    this.#known.add(name);
    if (this.#fields.has(name)) this.#note(name, differences(found, this.#fields.get(name)));
  }
  /** An output that may differ by `bound`. An absent field is not compared; one that is no number differs. */
  near(name: string, found: number, bound: number): void {
    this.#known.add(name);
    if (!this.#fields.has(name)) return;
    const wanted = this.#fields.get(name);
    this.#note(name, typeof wanted === "number" && Math.abs(found - wanted) <= bound ? 0 : 1);
  }
  /** Numbers that belong to the entry but lie in a tensor beside it. */
  tensor(name: string, outcome: Outcome): void {
    this.#note(name, outcome.maxAbs <= outcome.bound && outcome.reason === undefined ? 0 : Math.max(1, outcome.maxAbs));
  }

  outcome(): Outcome {
    for (const name of this.#fields.keys())
      if (!this.#known.has(name)) this.#note(`${name} (nothing is known of it)`, 1);
    return this.#wrong.length === 0
      ? { maxAbs: 0, bound: 0 }
      : { maxAbs: this.#count, bound: 0, reason: `differs: ${this.#wrong.join(", ")}` };
  }

  #note(name: string, count: number): void {
    if (count === 0) return;
    this.#count += count;
    this.#wrong.push(name);
  }
}

/** How many leaves of two JSON values differ. */
function differences(found: unknown, wanted: unknown): number {
  if (Array.isArray(wanted) && Array.isArray(found)) {
    const shared = wanted.slice(0, found.length).reduce<number>((n, w, i) => n + differences(found[i], w), 0);
    return shared + Math.abs(wanted.length - found.length);
  }
  return Object.is(found, wanted) ? 0 : 1;
}
