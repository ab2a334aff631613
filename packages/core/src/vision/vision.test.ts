import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkGrid, mergeWeights, patchPositions, tokensPerFrame } from "./patches.js";
import { keepMask, type PruneRule, pixelDistances } from "./prune.js";
import { renumber, spliceVisual } from "./splice.js";

describe("patches", () => {
  test("in merge-block order, written out", () => {
    const { row, col } = patchPositions([1, 4, 4], 2);
    expect([...row]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
    expect([...col]).toEqual([0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3]);
    expect([...patchPositions([5, 2, 3], 1).row]).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...patchPositions([5, 2, 3], 1).col]).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test("are each place once, and m*m neighbours make a window", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (h, w, m) => {
          const { row, col } = patchPositions([1, h * m, w * m], m);
          const places = Array.from(row, (r, i) => `${r},${col[i]}`);
          expect(new Set(places).size).toBe(h * m * w * m);
          for (let i = 0; i < row.length; i++) {
            const window = Math.floor(i / (m * m));
            expect([Math.floor(row[i]! / m), Math.floor(col[i]! / m)]).toEqual([Math.floor(window / w), window % w]);
          }
          expect(tokensPerFrame([1, h * m, w * m], m)).toBe(h * w);
        },
      ),
    );
  });

  test("merge by the weights of bilinear interpolation at a window's centre", () => {
    expect([...mergeWeights(1)]).toEqual([1]);
    expect([...mergeWeights(2)]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect([...mergeWeights(3)]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0]);
    expect([...mergeWeights(4)]).toEqual([0, 0, 0, 0, 0, 0.25, 0.25, 0, 0, 0.25, 0.25, 0, 0, 0, 0, 0]);
    for (let m = 1; m <= 9; m++) expect(mergeWeights(m).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  test("that do not divide are refused", () => {
    expect(() => checkGrid([1, 4, 6], 2)).not.toThrow();
    expect(() => checkGrid([1, 4, 5], 2)).toThrow("4 x 5 patches do not divide into windows of 2 x 2");
    expect(() => checkGrid([1, 5, 4], 2)).toThrow("5 x 4");
    for (const [grid, merge] of [
      [[0, 2, 2], 1],
      [[1, 0, 2], 1],
      [[1, 2, -2], 1],
      [[1, 2, 2], 0],
      [[1, 2, 2.5], 1],
    ] as const)
      expect(() => checkGrid(grid as [number, number, number], merge)).toThrow(
        expect.objectContaining({ name: "VisionError" }),
      );
  });
});

/** The rules as the table of the semantics has them, one token at a time. */
function kept(rule: PruneRule, t: number, distance: number, threshold: number): boolean {
  if (rule === "off") return true;
  if (t === 0) return rule === "released" ? (threshold + 1) / 255 > threshold : true;
  if (rule === "embedding") return !(distance < threshold);
  return rule === "pixel255" ? distance * 255 > threshold : distance > threshold;
}
function direct(rule: PruneRule, distances: number[][], threshold: number, min: number): number[] {
  return distances.flatMap((frame, t) => {
    const mask = frame.map((d) => kept(rule, t, d, threshold));
    return mask.filter(Boolean).length < min ? mask.map((k, i) => Number(k || i < min)) : mask.map(Number);
  });
}
const rule = fc.constantFrom<PruneRule>("released", "pixel", "pixel255", "embedding", "off");

describe("pruning", () => {
  test("follows its table", () => {
    // Distances on a coarse grid with the thresholds among them, so that > and >= part.
    const level = fc.constantFrom(0, 0.001, 0.003, 0.1, 0.2, 0.5, 40);
    const frames = fc
      .integer({ min: 1, max: 5 })
      .chain((tokens) =>
        fc.array(fc.array(level, { minLength: tokens, maxLength: tokens }), { minLength: 1, maxLength: 5 }),
      );
    const threshold = fc.constantFrom(0, 0.001, 0.003, 0.1, 0.2, 25.5, 40);
    fc.assert(
      fc.property(rule, frames, threshold, fc.integer({ min: 0, max: 6 }), (name, distances, limit, minTokens) => {
        const mask = keepMask(distances.flat(), distances[0]!.length, { rule: name, threshold: limit, minTokens });
        expect([...mask]).toEqual(direct(name, distances, limit, minTokens));
      }),
      { numRuns: 500 },
    );
  });

  test("a distance that is the threshold goes, but for the paper's rule", () => {
    const at = (name: PruneRule) => [...keepMask([0, 0, 0.5, 0.25], 2, { rule: name, threshold: 0.5, minTokens: 0 })];
    expect(at("pixel")).toEqual([1, 1, 0, 0]);
    expect(at("embedding")).toEqual([1, 1, 1, 0]);
    expect([...keepMask([0, 0, 0.5 / 255, 0.51 / 255], 2, { rule: "pixel255", threshold: 0.5, minTokens: 0 })]).toEqual(
      [1, 1, 0, 1],
    );
  });

  test("the released rule keeps the first token of the first frame, or all of it under 1/254", () => {
    const first = (threshold: number) => [...keepMask([0, 0, 0, 9, 9, 9], 3, { rule: "released", threshold })];
    expect(first(0.1)).toEqual([1, 0, 0, 1, 1, 1]);
    expect(first(0.00395)).toEqual([1, 0, 0, 1, 1, 1]);
    expect(first(0.0039)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test("its defaults are a threshold of 0.1 and one token a frame", () => {
    expect([...keepMask([0, 0, 0.1, 0.1, 0.05, 0.11], 2, { rule: "pixel" })]).toEqual([1, 1, 1, 0, 0, 1]);
  });

  test("a chunk that continues a clip has no first frame", () => {
    expect([...keepMask([0.05, 0.2], 2, { rule: "pixel" }, true)]).toEqual([0, 1]);
    expect([...keepMask([0.05, 0.2], 2, { rule: "pixel" })]).toEqual([1, 1]);
    expect([...keepMask([0.05, 0.2], 2, { rule: "released" }, true)]).toEqual([0, 1]);
  });

  test("distances are the mean absolute difference of a window, and chunks give the same as the whole", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat({ max: 4 }),
        fc.infiniteStream(fc.integer({ min: -8, max: 8 })),
        (frames, tokens, width, cut, numbers) => {
          const pixels = Float32Array.from({ length: frames * tokens * width }, () => numbers.next().value as number);
          const at = (t: number, token: number, i: number) => pixels[(t * tokens + token) * width + i]!;
          const expected = Array.from({ length: frames * tokens }, (_, k) => {
            const [t, token] = [Math.floor(k / tokens), k % tokens];
            let sum = 0;
            for (let i = 0; i < width && t > 0; i++) sum += Math.abs(at(t, token, i) - at(t - 1, token, i));
            return sum / width;
          });
          expect([...pixelDistances(pixels, frames, tokens)]).toEqual(expected);
          const split = Math.min(cut, frames - 1);
          if (split === 0) return;
          const frame = tokens * width;
          const tail = pixelDistances(
            pixels.subarray(split * frame),
            frames - split,
            tokens,
            pixels.subarray((split - 1) * frame, split * frame),
          );
          expect([...tail]).toEqual(expected.slice(split * tokens));
        },
      ),
    );
  });

  test("what cannot be is refused", () => {
    expect(() => pixelDistances(new Float32Array(7), 2, 2)).toThrow("7 values are not 2 frames of 2 equal windows");
    expect(() => keepMask([0], 1, { rule: "none" as PruneRule })).toThrow('not "none"');
    for (const options of [
      { threshold: -1 },
      { threshold: Number.NaN },
      { threshold: Number.POSITIVE_INFINITY },
      { minTokens: -1 },
      { minTokens: 0.5 },
    ])
      expect(() => keepMask([0], 1, { rule: "pixel", ...options })).toThrow(
        expect.objectContaining({ name: "VisionError" }),
      );
  });
});

describe("splicing", () => {
  test("drops pruned placeholders, numbers the rest, and keeps the separators", () => {
    const { ids, index, from } = spliceVisual([7, 9, 9, 5, 9, 8], 9, Uint8Array.of(1, 0, 1));
    expect([...ids]).toEqual([7, 9, 5, 9, 8]);
    expect([...index]).toEqual([-1, 0, -1, 1, -1]);
    expect([...from]).toEqual([0, 1, 3, 4, 5]);
  });

  test("loses no text and no kept row", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.boolean())), (tokens) => {
        const ids = tokens.map(([id]) => id);
        const keep = Uint8Array.from(tokens.filter(([id]) => id === 3).map(([, k]) => Number(k)));
        const spliced = spliceVisual(ids, 3, keep);
        const expected = tokens.flatMap(([id, k], i) => (id !== 3 || k ? [[id, i]] : []));
        expect(Array.from(spliced.ids, (id, i) => [id, spliced.from[i]])).toEqual(expected);
        expect([...spliced.index].filter((i) => i >= 0)).toEqual(
          Array.from({ length: keep.filter(Boolean).length }, (_, i) => i),
        );
        expect(Array.from(spliced.index, (i) => i >= 0)).toEqual(Array.from(spliced.ids, (id) => id === 3));
      }),
    );
  });

  test("counts", () => {
    expect(() => spliceVisual([9, 9], 9, Uint8Array.of(1))).toThrow(
      "the prompt has 2 placeholders for 1 visual tokens",
    );
    expect(() => spliceVisual([9], 9, Uint8Array.of(1, 0))).toThrow(
      "the prompt has 1 placeholders for 2 visual tokens",
    );
  });

  test("positions are dense, and start again where a sample does", () => {
    expect([...renumber([0, 1, 4, 7])]).toEqual([0, 1, 2, 3]);
    expect([...renumber([0, 2, 5, 0, 3, 0, 1])]).toEqual([0, 1, 2, 0, 1, 0, 1]);
    expect([...renumber([3, 4])]).toEqual([0, 1]);
  });
});
