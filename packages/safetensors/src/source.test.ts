import { expect, it } from "vitest";
import { codeOf } from "../test/fixtures.js";
import { allocate } from "./source.js";

it("names a lack of memory", async () => {
  expect(allocate(3, {})).toEqual(new Uint8Array(3));
  expect(await codeOf(() => allocate(2 ** 53 - 1, {}))).toBe("too-large");
});
