import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, jsonOf } from "../../test/helpers.js";
import { roundHalfEven } from "./round.js";
import { mixedSizes, simpleSizes, targetSizes } from "./size.js";

interface Case {
  rule: "simple" | "mixed";
  frames_h_w: [number, number, number][];
  factor?: number;
  factors?: number[];
  min_tokens?: number;
  max_tokens: number;
  out: [number, number][];
}

const items = (c: Case) => c.frames_h_w.map(([frames, height, width]) => ({ frames, height, width }));

describe("sizes", () => {
  const cases = jsonOf<Case[]>("goldens/imageproc/sizes.json");

  it("equal the goldens, all 800", () => {
    expect(cases.length).toBe(800);
    for (const [i, c] of cases.entries()) {
      const got =
        c.rule === "simple"
          ? simpleSizes(items(c), c.factor!, { minTokens: c.min_tokens!, maxTokens: c.max_tokens })
          : mixedSizes(items(c), c.factors!, c.max_tokens);
      expect([i, got.map(({ height, width }) => [height, width])]).toEqual([i, c.out]);
    }
  });

  it("picks the rule by the merge sizes", () => {
    const config = { patchSize: 14, minTokens: 16, maxTokens: 300 };
    const two = [
      { frames: 1, height: 640, width: 480 },
      { frames: 3, height: 300, width: 400 },
    ];
    expect(targetSizes(two, [2, 2], config)).toEqual(simpleSizes(two, 28, config));
    expect(targetSizes([], [], config)).toEqual([]);
    expect(targetSizes(two, [1, 2], config)).toEqual(mixedSizes(two, [14, 28], 300));
  });

  it("shrinks only over the limit, not at it", () => {
    const one = [{ frames: 1, height: 57, width: 55 }];
    expect(simpleSizes(one, 14, { minTokens: 1, maxTokens: 16 })).toEqual([{ height: 56, width: 56 }]);
    expect(mixedSizes(one, [14], 20)).toEqual([{ height: 56, width: 56 }]);
    expect(mixedSizes(one, [14], 19)).toEqual([{ height: 42, width: 42 }]);
  });

  it("transposes only where asked", () => {
    const config = { patchSize: 14, minTokens: 1, maxTokens: 16384 };
    const one = [{ frames: 1, height: 37, width: 53 }];
    expect(targetSizes(one, [1], config)).toEqual([{ height: 42, width: 56 }]);
    expect(targetSizes(one, [1], config, "transposed")).toEqual([{ height: 56, width: 42 }]);
  });

  it("refuses a side of 0, and items that have no size", () => {
    const config = { patchSize: 14, minTokens: 1, maxTokens: 64 };
    const sizes = [
      { frames: 4, height: 160, width: 72 },
      { frames: 4, height: 1252, width: 92 },
    ];
    expect(codeOf(() => targetSizes(sizes, [2, 1], config))).toBe("image-size");
    expect(codeOf(() => targetSizes([{ frames: 1, height: 0, width: 5 }], [1], config))).toBe("image-size");
    expect(codeOf(() => targetSizes([{ frames: 1, height: 5, width: 5 }], [0], config))).toBe("image-size");
    expect(codeOf(() => targetSizes([{ frames: 1, height: 5, width: 5 }], [], config))).toBe("image-size");
  });

  it("refuses a merge size that makes a frame out of all measure, and takes the largest that does not", () => {
    const config = { patchSize: 16, minTokens: 16, maxTokens: 16384 };
    const one = [{ frames: 1, height: 8, width: 8 }];
    // 4 x 4 tokens of 16 * 256 pixels a side are 2^28 pixels.
    expect(targetSizes(one, [256], config)).toEqual([{ height: 16384, width: 16384 }]);
    for (const merge of [257, 1e9, Number.MAX_SAFE_INTEGER])
      expect(() => targetSizes(one, [merge], config)).toThrow(
        expect.objectContaining({ code: "image-size", message: expect.stringContaining("a smaller merge size") }),
      );
  });

  it("stay within their limits", () => {
    const side = fc.integer({ min: 1, max: 3000 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(14, 16, 28, 32),
        (height, width, frames, factor) => {
          const limits = { minTokens: 16, maxTokens: 1024 };
          const [size] = simpleSizes([{ frames, height, width }], factor, limits);
          expect(size!.height % factor).toBe(0);
          expect(size!.width % factor).toBe(0);
          const tokens = (size!.height / factor) * (size!.width / factor);
          expect(tokens).toBeGreaterThanOrEqual(16);
          // Growing to the minimum rounds up, which a thin picture can push over the maximum; else the maximum holds.
          if (height < 20 * width && width < 20 * height) expect(tokens * frames).toBeLessThanOrEqual(1024);
        },
      ),
    );
  });
});

describe("roundHalfEven", () => {
  it("rounds ties to the even integer", () => {
    expect([0.5, 1.5, 2.5, 3.5, 2.4999, 2.5001, 0, 7].map(roundHalfEven)).toEqual([0, 2, 2, 4, 2, 3, 0, 7]);
  });
});
