import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, jsonOf } from "../../test/helpers.js";
import { GIF_FPS, sampleClip, sampleSequence } from "./sampling.js";

interface Golden {
  total: number;
  video_fps: number;
  fps: number | null;
  max_frames: number | null;
  start: number | null;
  end: number | null;
  indices: number[];
  timestamps: number[];
}

describe("sampleClip", () => {
  it("equals the goldens", () => {
    const cases = jsonOf<Golden[]>("goldens/video-sampling.json");
    expect(cases.length).toBe(120);
    for (const [i, c] of cases.entries()) {
      const { total, fps, start, end } = c;
      const got = sampleClip({ total, videoFps: c.video_fps, fps, maxFrames: c.max_frames, start, end });
      expect([i, got]).toEqual([i, { indices: c.indices, timestamps: c.timestamps }]);
    }
  });

  it("rises, stays inside the video and under the limit", () => {
    const optional = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: null });
    const clip = fc.record({
      total: fc.integer({ min: 1, max: 5000 }),
      videoFps: fc.constantFrom(1, 15, 23.976, 25, 59.94),
      fps: optional(fc.constantFrom(0.5, 1, 2, 40)),
      maxFrames: optional(fc.integer({ min: 1, max: 200 })),
      start: optional(fc.integer({ min: 0, max: 100 }).map((n) => n / 4)),
      end: optional(fc.integer({ min: 0, max: 800 }).map((n) => n / 4)),
    });
    fc.assert(
      fc.property(clip, (c) => {
        const { indices, timestamps } = sampleClip(c);
        expect(
          indices.every((v, i) => Number.isInteger(v) && v >= 0 && v < c.total && (i === 0 || v > indices[i - 1]!)),
        ).toBe(true);
        expect(timestamps).toEqual(indices.map((i) => i / c.videoFps));
        const short = c.start !== null && c.end !== null && c.end - c.start < 1;
        if (c.maxFrames !== null && !short) expect(indices.length).toBeLessThanOrEqual(c.maxFrames);
      }),
    );
  });

  it("spreads its frames only over the limit, not at it", () => {
    const clip = { total: 90, videoFps: 25, fps: 1 };
    expect(sampleClip({ ...clip, maxFrames: 4 }).indices).toEqual([0, 25, 50, 75]);
    expect(sampleClip({ ...clip, maxFrames: 3 }).indices).toEqual([0, 44, 89]);
  });

  it("takes a clip of a whole second as any other, a shorter one from a frame earlier", () => {
    const clip = { total: 100, videoFps: 25, fps: 1, start: 1 };
    expect(sampleClip({ ...clip, end: 2 }).indices).toEqual([25]);
    expect(sampleClip({ ...clip, end: 1.96 }).indices).toEqual([36]);
  });

  it("names what is wrong", () => {
    const base = { total: 10, videoFps: 25 };
    for (const bad of [
      { total: -1 },
      { videoFps: 0 },
      { fps: 0 },
      { maxFrames: 0 },
      { start: -1 },
      { end: Number.NaN },
    ]) {
      expect(codeOf(() => sampleClip({ ...base, ...bad }))).toBe("video-sampling");
    }
  });
});

describe("sampleSequence (folders, GIFs)", () => {
  it("takes the middle of every segment where a rate is given and the sequence is short", () => {
    expect(sampleSequence({ total: 60, videoFps: GIF_FPS, fps: 1, maxFrames: 64 })).toEqual({
      indices: [12, 37],
      timestamps: [12 / 25, 37 / 25],
    });
    expect(sampleSequence({ total: 5, videoFps: GIF_FPS, fps: 1, maxFrames: 64 }).indices).toEqual([2]);
    expect(sampleSequence({ total: 3, videoFps: 1, fps: 40 }).indices).toEqual([0, 1, 2]);
  });

  it("takes all frames, or a linspace, where not", () => {
    expect(sampleSequence({ total: 4, videoFps: GIF_FPS, maxFrames: 4 }).indices).toEqual([0, 1, 2, 3]);
    expect(sampleSequence({ total: 10, videoFps: GIF_FPS, maxFrames: 4 }).indices).toEqual([0, 3, 6, 9]);
    expect(sampleSequence({ total: 100, videoFps: GIF_FPS, fps: 1, maxFrames: 4 }).indices).toEqual([0, 33, 66, 99]);
    expect(sampleSequence({ total: 0, videoFps: GIF_FPS, fps: 1 }).indices).toEqual([]);
  });
});
