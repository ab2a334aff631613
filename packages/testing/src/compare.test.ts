import { reference } from "@hulu/backend-reference";
import { hostF32, hostI32 } from "@hulu/core";
import { expect, test } from "vitest";
import { compare, faulty, framesOf, modelOf, smallModel } from "./index.js";

const { programs, weights } = modelOf(smallModel);
const { embed } = smallModel.decoder;
const row = (n: number) => ({
  embeds: hostF32(
    Array.from({ length: n * embed }, (_, i) => Math.sin(i)),
    [1, n, embed],
  ),
  pick: hostI32([n - 1]),
});
const frames = framesOf({ frames: 2, rows: 1, cols: 2, merge: 2 }, smallModel);

test("a backend agrees with itself", async () => {
  const lines: string[] = [];
  const parting = await compare(
    programs,
    weights,
    reference,
    reference,
    { encodeVision: frames, step: [row(3), row(1)] },
    { print: (l) => lines.push(l) },
  );
  expect(parting).toBeUndefined();
  expect(lines).toEqual([
    expect.stringMatching(/^encodeVision: reference and reference agree on \d\d results$/),
    expect.stringMatching(/^step: reference and reference agree on \d\d results$/),
  ]);
});

test("the first module that parts is named, and not what follows from it", async () => {
  // Only the MLP of a decoder has a silu.
  const lines: string[] = [];
  const feeds = { encodeVision: frames, step: row(3) };
  const parting = await compare(programs, weights, reference, faulty(reference, "silu"), feeds, {
    print: (l) => lines.push(l),
  });
  expect(parting).toMatchObject({
    program: "step",
    run: 0,
    path: "model.layers.0.mlp.down_proj",
    shape: [1, 3, embed],
  });
  expect(parting!.maxAbs).toBeGreaterThan(1e-4);
  expect(Math.abs(parting!.a - parting!.b)).toBeCloseTo(parting!.maxAbs, 9);
  expect(lines[1]).toMatch(
    /^step: reference and reference with a faulty silu part at model\.layers\.0\.mlp\.down_proj \[1 3 12\]: /,
  );
});

test("a fault that needs a past shows in the second run", async () => {
  // The state itself is off: nothing changes where it is empty.
  const parting = await compare(programs, weights, reference, faulty(reference, "state"), { step: [row(2), row(1)] });
  expect(parting).toMatchObject({ program: "step", run: 1, path: "model.layers.0.self_attn.o_proj" });
});

test("feeds of a program that is not there", async () => {
  await expect(compare(programs, weights, reference, reference, { encode: frames })).rejects.toThrow(
    /no program encode/,
  );
});
