import { reference } from "@hulu/backend-reference";
import { type Backend, hostF32, hostI32, lower, topological } from "@hulu/core";
import { describe, expect, test } from "vitest";
import { floats, weightsFor } from "../test/parity.js";
import { tinyPrograms } from "../test/tiny.js";
import { onnx } from "./index.js";
import { supports } from "./supports.js";

type Change = NonNullable<Parameters<typeof tinyPrograms>[0]>;

const decoders: readonly (readonly [string, Change])[] = [
  ["three key heads of 20, which attention expands for", { decoder: { heads: 6, kvHeads: 3, headDim: 20 } }],
  ["heads of 10, biases, a head of its own", { decoder: { headDim: 10, qkvBias: true, qkNorm: false, tied: false } }],
  [
    "heads of 24 in groups of four, two layers",
    { decoder: { heads: 8, kvHeads: 2, headDim: 24, layers: 2, outBias: true } },
  ],
  ["a head of 6", { decoder: { heads: 1, kvHeads: 1, headDim: 6 } }],
];

/** What a conversation with two pictures of other sizes gives: its visual rows, its logits, and those of two more tokens. */
async function converse(backend: Backend, programs: ReturnType<typeof tinyPrograms>, width: number) {
  using executable = await backend.compile(programs, weightsFor(...Object.values(programs)));
  const run = async (name: string, inputs: Parameters<typeof executable.run>[1], options = {}) =>
    Object.values(await executable.run(name, inputs, options))[0]!;
  const encode = (frames: number, tokens: number, window: number) => {
    const places = Array.from({ length: tokens * window }, (_, i) => i);
    return run("encodeVision", {
      pixels: floats([frames, places.length, 12], frames),
      row: hostI32(places.map((i) => i % 7)),
      col: hostI32(places.map((i) => i >> 1)),
      window: hostF32(Array(window).fill(1 / window), [window]),
    });
  };
  const encoded = [await encode(1, 5, 1), await encode(3, 2, 4), await encode(2, 1, 9)];
  const rows = encoded.map((t) => t.reshape([t.shape[0]! * t.shape[1]!, width]));
  const kept = await run("project", { tokens: rows, keep: hostI32([12, 0, 6, 6]) });
  const none = await run("project", { tokens: rows, keep: hostI32([]) });
  expect(none.shape[0]).toBe(0);
  const distance = await run("frameDifference", { tokens: encoded[1]!, before: floats([2, width], 9) });
  const ids = hostI32([1, 2, 3, 4, 5, 6], [1, 6]);
  const embeds = await run("embedVisual", { ids, visual: [kept, none], index: hostI32([-1, 3, 2, 1, 0, -1], [1, 6]) });
  using session = executable.createSession();
  const prompt = await run("step", { embeds, pick: hostI32([0, 5]) }, { session });
  const unpicked = await run(
    "step",
    { embeds: await run("embed", { ids: hostI32([7, 8], [1, 2]) }), pick: hostI32([]) },
    { session },
  );
  expect(unpicked.shape).toEqual([1, 0, 40]);
  const next = [];
  for (const id of [9, 10])
    next.push(
      await run(
        "step",
        { embeds: await run("embed", { ids: hostI32([id], [1, 1]) }), pick: hostI32([0]) },
        { session },
      ),
    );
  const all = [...encoded, kept, distance, prompt, ...next];
  return Promise.all(all.map(async (t) => ({ shape: t.shape, data: [...(await t.read())] })));
}

describe("whole models of odd sizes", () => {
  test.each(decoders)("%s", async (_, change) => {
    const width = 40;
    const programs = tinyPrograms({
      ...change,
      vision: { width, heads: 2, pairing: change.decoder?.tied === false ? "interleaved" : "half" },
      projector: "mlp3x_gelu",
    });
    const [found, wanted] = [await converse(onnx, programs, width), await converse(reference, programs, width)];
    for (const [i, { shape, data }] of found.entries()) {
      expect(shape).toEqual(wanted[i]!.shape);
      expect(Math.max(...data.map((x, j) => Math.abs(x - wanted[i]!.data[j]!)))).toBeLessThan(2e-5);
    }
  });

  test("heads of a multiple of 8 are not expanded, others are", () => {
    const attends = (change: Change) =>
      topological(Object.values(lower(tinyPrograms(change).step, supports).outputs)).some(
        (v) => v.op.name === "attention",
      );
    expect(attends({ decoder: { headDim: 24 } })).toBe(true);
    expect(attends({ decoder: { headDim: 20 } })).toBe(false);
  });
});

test("far positions: float32 angles part from float64 ones by about 1e-7 x position", async () => {
  const programs = tinyPrograms({ decoder: { ropeTheta: 1e6 } });
  const weights = weightsFor(programs.step);
  const answer = async (backend: Backend) => {
    using executable = await backend.compile({ step: programs.step }, weights);
    using session = executable.createSession();
    const embeds = floats([1, 1500, 24], 1);
    const { logits } = await executable.run("step", { embeds, pick: hostI32([1499]) }, { session });
    return logits!.read();
  };
  const [a, b] = [await answer(onnx), await answer(reference)];
  expect(Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)))).toBeLessThan(2e-4);
});
