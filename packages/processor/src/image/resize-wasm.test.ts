import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

// A script without types, and of no package.
const script: string = new URL("../../../../scripts/wasm.mjs", import.meta.url).href;

test("the module that is committed is what its source compiles to", { timeout: 60_000 }, async () => {
  const { compiled, target } = (await import(script)) as { compiled(): Promise<string>; target: string };
  expect(await compiled()).toBe(readFileSync(target, "utf8"));
});
