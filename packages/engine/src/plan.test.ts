import { keepMask, pixelDistances, tokensPerFrame } from "@hulu/core";
import { DEFAULT_CONFIG, frameSource, preprocess, type RgbImage, resizeBicubic } from "@hulu/processor";
import { describe, expect, test } from "vitest";
import { planVisual, previewFrames } from "./plan.js";

const config = { ...DEFAULT_CONFIG, patchSize: 14, minTokens: 4, maxTokens: 400 };

/** A grey ramp of which the lower half follows `t`. */
const frame = (t: number, width = 90, height = 60): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (x + y + (y > height / 2 ? t * 40 : 0)) % 256;
  }),
});
const clip = frameSource([0, 0, 1, 1, 2].map((t) => frame(t)));
const picture = frameSource([frame(7, 70, 84)], { kind: "image" });

describe("a plan", () => {
  test("is what the processor makes of the same inputs, without a look at a frame", () => {
    const unread = (source: typeof clip) => ({
      ...source,
      frames: () => {
        throw new Error("read");
      },
    });
    const plans = planVisual([clip, picture].map(unread), config);
    const patches = preprocess(
      [
        { frames: [0, 0, 1, 1, 2].map((t) => frame(t)), merge: 2 },
        { frames: [frame(7, 70, 84)], merge: 2 },
      ],
      config,
    );
    expect(plans.map(({ grid, merge }) => ({ grid, merge }))).toEqual(
      patches.map(({ grid, merge }) => ({ grid, merge })),
    );
    for (const { grid, size, merge, tokens } of plans) {
      expect([size.height, size.width]).toEqual([grid[1] * 14, grid[2] * 14]);
      expect(tokens).toBe(grid[0] * tokensPerFrame(grid, merge));
    }
    expect(plans.map(({ prune }) => prune)).toEqual([{ rule: "released" }, undefined]);
  });

  test("merges two by two where there is a clip or a volume, and prunes what has more than a frame", () => {
    const [alone] = planVisual([picture], config);
    expect([alone?.merge, alone?.prune]).toEqual([1, undefined]);
    const slice = frameSource([frame(1)], { kind: "volume" });
    const [one] = planVisual([slice], config);
    expect([one?.merge, one?.prune]).toEqual([2, undefined]);
    const prunes = (prune: Parameters<typeof planVisual>[2]) => planVisual([clip], config, prune)[0]?.prune;
    expect(prunes({ prune: "pixel" })).toEqual({ rule: "pixel" });
    expect(prunes({ prune: "off" })).toBeUndefined();
    const given = { rule: "embedding", threshold: 3 } as const;
    expect(prunes({ prune: given, merge: 1 })).toBe(given);
  });
});

describe("a preview", () => {
  test.each(["released", "pixel", "pixel255"] as const)("marks what the rule %s keeps", async (rule) => {
    const [plan] = planVisual([clip], config, { prune: { rule, threshold: 0.3 } });
    const [patches] = preprocess([{ frames: [0, 0, 1, 1, 2].map((t) => frame(t)), merge: 2 }], config);
    const { tokensPerFrame: tokens, prune, size } = plan!;
    const expected = keepMask(pixelDistances(patches!.pixels, 5, tokens), tokens, prune!);
    const seen: number[] = [];
    for await (const { index, image, keep } of previewFrames(clip, plan!, config)) {
      expect(index).toBe(seen.length / tokens);
      expect(image).toEqual(resizeBicubic(frame([0, 0, 1, 1, 2][index]!), size));
      seen.push(...keep!);
    }
    expect(seen).toEqual([...expected]);
    expect(new Set(seen)).toEqual(new Set([0, 1]));
  });

  test("keeps all where nothing is pruned, and cannot know what the encoder's tokens decide", async () => {
    const masks = async (options: Parameters<typeof planVisual>[2]) => {
      const [plan] = planVisual([clip], config, options);
      const found: (Uint8Array | undefined)[] = [];
      for await (const { keep } of previewFrames(clip, plan!, config)) found.push(keep);
      return { found, tokens: plan!.tokensPerFrame };
    };
    const off = await masks({ prune: "off" });
    expect(off.found).toEqual(Array(5).fill(new Uint8Array(off.tokens).fill(1)));
    expect((await masks({ prune: "embedding" })).found).toEqual(Array(5).fill(undefined));
  });

  test("ends with the signal", async () => {
    const [plan] = planVisual([clip], config);
    const control = new AbortController();
    await expect(async () => {
      for await (const _ of previewFrames(clip, plan!, config, { signal: control.signal }))
        control.abort(new Error("enough"));
    }).rejects.toThrow("enough");
  });
});
