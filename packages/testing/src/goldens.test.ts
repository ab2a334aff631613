import { reference } from "@hulu/backend-reference";
import { compile, hostF32, hostI32, vlmFromCheckpoint, vlmPrograms } from "@hulu/core";
import { expect, test } from "vitest";
import { differs, openGoldens } from "./index.js";

const folder = new URL("../../../test/data/goldens/q3-p16/", import.meta.url);

test("a folder of goldens by address and by path", async () => {
  const goldens = await openGoldens(folder);
  expect(goldens.cases).toContain("case-image-array");
  expect(goldens.cases).toEqual([...goldens.cases].sort());
  expect((await openGoldens(folder.pathname)).cases).toEqual(goldens.cases);
  const image = await goldens.case("case-image-array");
  expect(image.tensor("in.merge_sizes").ints()).toEqual([1]);
  expect(image.has("out.nothing")).toBe(false);
  expect(() => image.tensor("out.nothing")).toThrow(/case-image-array has no out\.nothing; it has in\./);
});

test("an image through the vision encoder equals the authors' code", async () => {
  const goldens = await openGoldens(folder);
  const image = await goldens.case("case-image-array");
  const { model, weights } = vlmFromCheckpoint(goldens.config, goldens.weights);
  const { encodeVision, project } = vlmPrograms(model);
  const compiled = await compile(reference, { encodeVision, project }, weights);
  const [t, h, w] = image.tensor("in.grid_sizes").ints() as [number, number, number];
  const patches = Array.from({ length: h * w }, (_, i) => i);
  const { tokens } = await compiled.run("encodeVision", {
    pixels: hostF32(image.tensor("in.pixel_values").data, [t, h * w, 768]),
    row: hostI32(patches.map((i) => Math.floor(i / w))),
    col: hostI32(patches.map((i) => i % w)),
    window: hostF32([1], [1]),
  });
  const merged = image.tensor("out.merged");
  const bound = { abs: 5e-5, rel: 0 };
  const flat = tokens.reshape(merged.shape);
  expect(differs({ shape: flat.shape, data: await flat.read() }, merged, bound)).toBeUndefined();
  const { visual } = await compiled.run("project", { tokens: flat, keep: hostI32(patches) });
  expect(
    differs({ shape: visual.shape, data: await visual.read() }, image.tensor("out.projected"), bound),
  ).toBeUndefined();
});
