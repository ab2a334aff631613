import { expect, test } from "vitest";
import { framesOf } from "./frames.js";
import type { Samples } from "./picture.js";

const code = (expected: string) => expect.objectContaining({ code: expected });

/** Grey pictures of 2 x 1, and whether their giver was told that no more are wanted. */
function camera(count: number) {
  const seen = { asked: 0, ended: false };
  async function* frames(): AsyncGenerator<Samples> {
    // One buffer for all, as a camera has it.
    const data = new Uint8Array(2);
    try {
      for (let i = 0; i < count; i++) {
        seen.asked++;
        yield { data: data.fill(i), width: 2, height: 1, channels: 1 };
      }
    } finally {
      seen.ended = true;
    }
  }
  return { seen, frames };
}
const values = async (source: Awaited<ReturnType<typeof framesOf>>) => {
  const found: number[] = [];
  for await (const { data } of source.frames()) found.push(data[0]!);
  return found;
};

test("frames are taken one at a time, each copied before the next", async () => {
  const { seen, frames } = camera(9);
  const source = await framesOf(frames(), { count: 3, fps: 2 });
  expect(source).toMatchObject({ kind: "video", count: 3, width: 2, height: 1, timestamps: [0, 0.5, 1] });
  expect(seen.asked).toBe(1);
  const kept = [];
  for await (const frame of source.frames()) {
    kept.push(frame);
    expect(seen.asked).toBe(kept.length);
  }
  expect(kept.map(({ data }) => data[0])).toEqual([0, 1, 2]);
  expect(seen).toEqual({ asked: 3, ended: true });
});

test("an iterable is read once, a function that makes one as often as wanted", async () => {
  const once = await framesOf(camera(2).frames(), { count: 2 });
  expect(await values(once)).toEqual([0, 1]);
  await expect(values(once)).rejects.toThrow(code("video-frames"));
  const again = await framesOf(() => camera(2).frames(), { count: 2 });
  expect(await values(again)).toEqual([0, 1]);
  expect(await values(again)).toEqual([0, 1]);
});

test("fewer frames than promised, none, and one that is none", async () => {
  await expect(framesOf(camera(0).frames(), { count: 1 })).rejects.toThrow(code("video-frames"));
  const short = await framesOf(camera(2).frames(), { count: 3 });
  await expect(values(short)).rejects.toThrow("2 frames came of the 3 that were promised");
  async function* wrong() {
    yield { data: new Uint8Array(5), width: 2, height: 1 };
  }
  await expect(framesOf(wrong(), { count: 1 })).rejects.toThrow(code("image-shape"));
});

test("whoever stops early, or aborts, ends the giver too", async () => {
  const early = camera(9);
  for await (const _ of (await framesOf(early.frames(), { count: 9 })).frames()) break;
  expect(early.seen.ended).toBe(true);
  const aborted = camera(9);
  const control = new AbortController();
  const source = await framesOf(aborted.frames(), { count: 9 });
  await expect(async () => {
    for await (const _ of source.frames({ signal: control.signal })) control.abort(new Error("enough"));
  }).rejects.toThrow("enough");
  expect(aborted.seen.ended).toBe(true);
});

test("options that cannot be", async () => {
  for (const options of [{ count: 0 }, { count: 1.5 }, { count: 2, timestamps: [0] }, { count: 1, fps: 0 }])
    await expect(framesOf(camera(2).frames(), options)).rejects.toThrow(code("video-frames"));
});
