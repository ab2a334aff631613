import { expect, test } from "vitest";
import type { RgbImage } from "../image/rgb.js";
import { frameSource } from "./frame-source.js";
import { INPUT_LIMITS, inputLimits } from "./limits.js";

const picture = (value: number): RgbImage => ({ data: new Uint8Array(6).fill(value), width: 2, height: 1 });

test("frames in memory are given in order, as often as they are asked for", async () => {
  const source = frameSource([picture(1), picture(2)], { timestamps: [0, 0.5] });
  expect(source).toMatchObject({ kind: "video", count: 2, width: 2, height: 1, timestamps: [0, 0.5] });
  for (let time = 0; time < 2; time++) {
    const seen: number[] = [];
    for await (const frame of source.frames()) seen.push(frame.data[0]!);
    expect(seen).toEqual([1, 2]);
  }
});

test("an abort ends them between two frames", async () => {
  const control = new AbortController();
  const given = frameSource([picture(1), picture(2)]).frames({ signal: control.signal });
  await expect(async () => {
    for await (const _ of given) control.abort(new Error("enough"));
  }).rejects.toThrow("enough");
});

test("what is no list of frames is refused", () => {
  expect(() => frameSource([])).toThrow(expect.objectContaining({ code: "video-frames" }));
  expect(() => frameSource([picture(1)], { timestamps: [0, 1] })).toThrow(
    expect.objectContaining({ code: "video-frames" }),
  );
  expect(() => frameSource([{ ...picture(1), width: 3 }])).toThrow(expect.objectContaining({ code: "image-shape" }));
});

test("limits have defaults, and must be positive integers", () => {
  expect(inputLimits()).toEqual(INPUT_LIMITS);
  expect(inputLimits({ maxFrames: 3 })).toEqual({ ...INPUT_LIMITS, maxFrames: 3 });
  for (const maxBytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => inputLimits({ maxBytes })).toThrow(expect.objectContaining({ code: "input-limit" }));
});
