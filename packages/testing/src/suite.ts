import type { Backend } from "@hulu/core";
import { describe, test } from "vitest";
import { type Check, type SuiteOptions, skipped } from "./check.js";
import { compileChecks } from "./check-compile.js";
import { feedChecks } from "./check-feeds.js";
import { modelChecks } from "./check-models.js";
import { opChecks } from "./check-ops.js";
import { sessionChecks } from "./check-sessions.js";

/** Everything that a backend must pass. */
export const checks: readonly Check[] = [
  ...opChecks,
  ...modelChecks,
  ...sessionChecks,
  ...feedChecks,
  ...compileChecks,
];

/**
 * The suite that any backend must pass, as vitest tests.
 * @param backend the backend, or what makes it (a device, say)
 */
export function testBackend(name: string, backend: Backend | (() => Promise<Backend>), options: SuiteOptions): void {
  const unknown = Object.keys(options.skip ?? {}).filter((skip) => !checks.some((c) => c.name === skip));
  if (unknown.length > 0) throw new RangeError(`the suite has no test called ${unknown.join(" or ")}`);
  describe(`backend ${name}`, () => {
    let made: Promise<Backend> | undefined;
    const ready = () => {
      made ??= typeof backend === "function" ? backend() : Promise.resolve(backend);
      return made;
    };
    for (const check of checks) {
      const reason = skipped(check, options);
      if (reason === undefined) test(check.name, async () => check.run({ ...options, backend: await ready() }));
      else test.skip(`${check.name} (${reason})`, () => {});
    }
  });
}

/** The same without a test runner: which checks a backend fails, and why. */
export async function failures(
  backend: Backend,
  options: SuiteOptions,
  which: (check: Check) => boolean = () => true,
): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>();
  for (const check of checks) {
    if (!which(check) || skipped(check, options) !== undefined) continue;
    try {
      await check.run({ ...options, backend });
    } catch (error) {
      failed.set(check.name, error instanceof Error ? error.message : String(error));
    }
  }
  return failed;
}
