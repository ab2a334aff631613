import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import {
  type Compiled,
  compile,
  type EncodedItem,
  encodeFrames,
  encodeItem,
  type Grid,
  type PruneRule,
  pruneRules,
  type VisualItem,
  visionPrograms,
} from "@hulu/core";
import { modelOf, smallModel } from "@hulu/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Values of a patch of `smallModel`. */
const VALUES = 12;

/** Every second frame is nearly the one before it, more in some places than in others, so that rules have what to drop. */
const item = (grid: Grid, merge: number, seed = 1): VisualItem => ({
  grid,
  merge,
  pixels: Float32Array.from({ length: grid[0] * grid[1] * grid[2] * VALUES }, (_, i) => {
    const size = grid[1] * grid[2] * VALUES;
    const [frame, within] = [Math.floor(i / size), i % size];
    return Math.sin(within * 0.9 + seed + Math.floor(frame / 2) * (within % 24 < 12 ? 2 : 0.01)) + (frame % 2) * 0.01;
  }),
});

/** An item's frames as a decoder gives them, all in one buffer. */
async function* oneByOne({ grid, pixels }: VisualItem) {
  const size = pixels.length / grid[0];
  const buffer = new Float32Array(size);
  for (let at = 0; at < pixels.length; at += size) {
    buffer.set(pixels.subarray(at, at + size));
    yield buffer;
    buffer.fill(Number.NaN);
  }
}

const rows = async ({ visual }: EncodedItem) =>
  (await Promise.all(visual.map((part) => part.read()))).flatMap((part) => [...part]);

describe.each([reference, onnx])("frames that come one by one, on $name", (backend) => {
  let model: Compiled<ReturnType<typeof visionPrograms>>;
  beforeAll(async () => {
    const { model: vlm, weights } = modelOf(smallModel);
    model = await compile(backend, visionPrograms(vlm), weights);
  });
  afterAll(() => model.dispose());

  test("give the mask and the tokens of the whole, in chunks of any size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          rule: fc.constantFrom<PruneRule>(...pruneRules),
          threshold: fc.constantFrom(0.004, 0.02, 0.1, 1, 3),
          frames: fc.integer({ min: 1, max: 9 }),
          merge: fc.integer({ min: 1, max: 2 }),
          chunk: fc.integer({ min: 1, max: 5 }),
          spare: fc.integer({ min: 0, max: 7 }),
        }),
        async ({ rule, threshold, frames, merge, chunk, spare }) => {
          const one = item([frames, 4, 2], merge);
          const prune = { rule, threshold };
          const whole = await encodeItem(model, one, { prune });
          const parts = { ...one, frames: oneByOne(one) };
          const streamed = await encodeFrames(model, parts, { prune, patchesAtOnce: chunk * 8 + spare });
          expect(streamed.keep).toEqual(whole.keep);
          expect(await rows(streamed)).toEqual(await rows(whole));
          expect(await rows(whole)).toHaveLength(whole.keep.filter(Boolean).length * 12);
        },
      ),
    );
  });

  test("are asked for a chunk at a time, and encoded in chunks of one size", async () => {
    const one = item([7, 4, 2], 2);
    const shapes: (readonly number[])[] = [];
    const asked: number[] = [];
    let count = 0;
    async function* counted() {
      for await (const frame of oneByOne(one)) {
        count++;
        yield frame;
      }
    }
    await encodeFrames(
      model,
      { ...one, frames: counted() },
      {
        patchesAtOnce: 16,
        onTokens: ({ shape }) => {
          shapes.push(shape);
          asked.push(count);
        },
      },
    );
    expect(shapes.map(([frames]) => frames)).toEqual([2, 2, 2, 1]);
    expect(asked).toEqual([2, 4, 6, 7]);
  });

  test("keep nothing of what was encoded when they break off", async () => {
    const one = item([6, 4, 2], 2);
    const disposed: string[] = [];
    const watching: typeof model.run = async (program, ...args) => {
      const results = await model.run(program, ...args);
      const watched = Object.entries(results).map(([name, tensor]) => [
        name,
        { ...tensor, dispose: () => void disposed.push(name) },
      ]);
      return Object.fromEntries(watched) as typeof results;
    };
    async function* broken() {
      for await (const frame of oneByOne({ ...one, grid: [6, 4, 2] })) {
        yield frame;
        if (disposed.includes("tokens")) throw new RangeError("the file is cut off");
      }
    }
    const encoded = encodeFrames({ run: watching }, { ...one, frames: broken() }, { patchesAtOnce: 16 });
    await expect(encoded).rejects.toThrow(new RangeError("the file is cut off"));
    expect(disposed).toEqual(["tokens", "visual"]);
  });
});

describe("frames that are not the grid's", () => {
  let model: Compiled<ReturnType<typeof visionPrograms>>;
  beforeAll(async () => {
    const { model: vlm, weights } = modelOf(smallModel);
    model = await compile(reference, visionPrograms(vlm), weights);
  });
  const four = item([4, 4, 2], 2);

  test("are refused: too few, too many, of another size", async () => {
    const encoded = (grid: Grid, frames: Iterable<Float32Array> | AsyncIterable<Float32Array>) =>
      encodeFrames(model, { grid, merge: 2, frames }, { patchesAtOnce: 16 });
    await expect(encoded([5, 4, 2], oneByOne(four))).rejects.toThrow("a clip of 5 frames ends after 4");
    await expect(encoded([3, 4, 2], oneByOne(four))).rejects.toThrow("a clip of 3 frames goes on after them");
    await expect(encoded([1, 4, 2], [])).rejects.toThrow("a clip of 1 frames ends after 0");
    const sizes = (...lengths: number[]) => lengths.map((length) => new Float32Array(length));
    await expect(encoded([2, 4, 2], sizes(96, 88))).rejects.toThrow("has 88 pixel values, the first of its clip 96");
    await expect(encoded([1, 4, 2], sizes(95))).rejects.toThrow("95 pixel values are not a whole number");
    await expect(encoded([1, 4, 2], sizes(0))).rejects.toThrow(expect.objectContaining({ name: "FeedError" }));
    await expect(encoded([1, 4, 3], [])).rejects.toThrow(expect.objectContaining({ name: "VisionError" }));
    for (const patchesAtOnce of [0, 1.5, Number.NaN])
      await expect(encodeItem(model, four, { patchesAtOnce })).rejects.toThrow(`patchesAtOnce is ${patchesAtOnce}`);
  });

  test("end with the signal's reason, and their source is let go", async () => {
    const control = new AbortController();
    let ended = false;
    async function* endless() {
      try {
        for (;;) {
          yield new Float32Array(96);
          control.abort(new Error("enough"));
        }
      } finally {
        ended = true;
      }
    }
    const clip = { grid: [1000, 4, 2] as const, merge: 2, frames: endless() };
    await expect(encodeFrames(model, clip, { signal: control.signal })).rejects.toThrow("enough");
    expect(ended).toBe(true);
    let asked = false;
    function* never() {
      asked = true;
      yield new Float32Array(96);
    }
    const aborted = { signal: AbortSignal.abort(new Error("no")) };
    await expect(encodeFrames(model, { ...clip, frames: never() }, aborted)).rejects.toThrow("no");
    expect(asked).toBe(false);
  });
});
