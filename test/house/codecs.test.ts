import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { codecFile, codecModule, codecNames } from "../../scripts/codecs.mjs";

describe.each(codecNames)("the codec %s", (name) => {
  test("is what scripts/codecs.mjs makes of the installed package", async () => {
    const made = await codecModule(name);
    // Not toBe, which would print both.
    expect(readFileSync(codecFile(name), "utf8") === made).toBe(true);
  });
});
