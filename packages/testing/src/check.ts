import type { Backend } from "@hulu/core";
import type { Feature } from "./cases/case.js";

/** What a backend is held against, and how long. */
export interface SuiteOptions {
  /** The backend that gives the right numbers: the reference interpreter. Held against itself, definitions take its place. */
  readonly reference: Backend;
  /** Features that the backend does not have, each with the reason; their tests are skipped, and the reason is shown. */
  readonly without?: Partial<Readonly<Record<Feature, string>>>;
  /** Tests by name that do not apply, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
  /** How much wider than the stated bounds the backend may be, for arithmetic less exact than float32's; 1 unless given. */
  readonly loosen?: number;
  /** How many examples of a property are tried, as a factor; `HULU_FUZZ=many` multiplies it by 20. */
  readonly effort?: number;
}

/** One test of the suite: it throws when the backend fails it. */
export interface Check {
  readonly name: string;
  readonly features: readonly Feature[];
  readonly run: (tested: Tested) => Promise<void>;
}

/** A backend under test. */
export interface Tested extends SuiteOptions {
  readonly backend: Backend;
}

/** Why a check is not run, if it is not. */
export function skipped({ name, features }: Check, options: SuiteOptions): string | undefined {
  const lacking = features.flatMap((f) => options.without?.[f] ?? []);
  return options.skip?.[name] ?? lacking[0];
}

const env = (name: string): string | undefined => (typeof process === "undefined" ? undefined : process.env[name]);

/** Settings of a property: a fixed seed, so that a failure is not a matter of luck; `HULU_SEED` and `HULU_FUZZ` vary it. */
export function effort(
  options: SuiteOptions,
  runs: number,
): { numRuns: number; seed?: number; includeErrorInReport: true } {
  const many = env("HULU_FUZZ") === "many";
  const seed = env("HULU_SEED");
  const numRuns = Math.max(1, Math.round(runs * (options.effort ?? 1) * (many ? 20 : 1)));
  const settings = { numRuns, includeErrorInReport: true } as const;
  if (seed !== undefined) return { ...settings, seed: Number(seed) };
  return many ? settings : { ...settings, seed: 2508 };
}
