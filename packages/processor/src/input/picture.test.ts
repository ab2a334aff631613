import { expect, test, vi } from "vitest";
import { type YuvLayout, yuvToRgb } from "../video/yuv.js";
import { pictureOf, type Samples } from "./picture.js";
import type { VideoFrameLike } from "./video-frame.js";

const code = (expected: string) => expect.objectContaining({ code: expected });
const two = (data: Samples["data"], channels?: number) =>
  pictureOf({ data, width: 2, height: 1, ...(channels && { channels }) });

test("samples of every number of channels; alpha is dropped, not blended", async () => {
  const wanted = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1 };
  expect(await two(Uint8Array.of(1, 2, 3, 4, 5, 6))).toEqual(wanted);
  expect(await two(Uint8ClampedArray.of(1, 2, 3, 0, 4, 5, 6, 9))).toEqual(wanted);
  expect((await two(Uint8Array.of(7, 9))).data).toEqual(Uint8Array.of(7, 7, 7, 9, 9, 9));
  expect((await two(Uint8Array.of(7, 0, 9, 1), 2)).data).toEqual(Uint8Array.of(7, 7, 7, 9, 9, 9));
});

test("what is given is not changed, nor shared", async () => {
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const picture = await two(data);
  picture.data[0] = 99;
  expect(data[0]).toBe(1);
});

test("16 bits and floats need a range, which scales, rounds and clips", async () => {
  const of = async (data: Samples["data"], range: readonly [number, number]) =>
    (await pictureOf({ data, width: data.length, height: 1, channels: 1 }, { range })).data.filter(
      (_, i) => i % 3 === 0,
    );
  expect(await of(Uint16Array.of(0, 1000, 2000, 65535), [1000, 2000])).toEqual(Uint8Array.of(0, 0, 255, 255));
  const floats = Float32Array.of(-1, 0, 0.5, 1, 2, Number.NaN, Number.POSITIVE_INFINITY);
  expect(await of(floats, [0, 1])).toEqual(Uint8Array.of(0, 0, 128, 255, 255, 0, 255));
  // White below black shows the negative.
  expect(await of(Uint8Array.of(0, 255), [255, 0])).toEqual(Uint8Array.of(255, 0));
  for (const data of [new Uint16Array(2), new Float32Array(2)])
    await expect(two(data)).rejects.toThrow(code("image-unsupported"));
  for (const range of [[1, 1] as const, [0, Number.NaN] as const])
    await expect(of(new Uint16Array(2), range)).rejects.toThrow(code("image-unsupported"));
});

test("what does not fit together is refused", async () => {
  for (const [data, channels] of [
    [new Uint8Array(5), undefined],
    [new Uint8Array(6), 4],
    [new Uint8Array(10), 5],
    [new Uint8Array(0), undefined],
    [new Int8Array(6) as never, 3],
    [[1, 2, 3, 4, 5, 6] as never, 3],
  ] as const)
    await expect(two(data, channels)).rejects.toThrow(code("image-shape"));
  for (const width of [0, 1.5, -2, Number.NaN])
    await expect(pictureOf({ data: new Uint8Array(6), width, height: 1 })).rejects.toThrow(code("image-shape"));
  await expect(pictureOf({ data: new Uint8Array(6), width: 1e5, height: 1e5 })).rejects.toThrow(
    code("image-too-large"),
  );
  for (const none of [null, undefined, 5, "a.png", {}, new Uint8Array(3)])
    await expect(pictureOf(none as never)).rejects.toThrow(code("image-unsupported"));
});

/** A frame of WebCodecs whose planes and strides are as a browser would copy them. */
function frame(format: string | null, bytes: readonly number[], extra: Partial<VideoFrameLike> = {}): VideoFrameLike {
  return {
    format,
    visibleRect: { width: 2, height: 2 },
    colorSpace: { matrix: "smpte170m", fullRange: true },
    allocationSize: () => 16,
    copyTo: async (to, options) => {
      expect(options?.format ?? options?.layout?.map((l) => l.stride)).toBeDefined();
      to.set(bytes);
    },
    ...extra,
  };
}

test("a VideoFrame's planes are read whatever way they lie", async () => {
  const grey = [10, 20, 30, 40];
  const wanted = Uint8Array.from(grey.flatMap((v) => [v, v, v]));
  expect((await pictureOf(frame("I420", [...grey, 128, 128]))).data).toEqual(wanted);
  expect((await pictureOf(frame("NV12", [...grey, 128, 128]))).data).toEqual(wanted);
  const of = (layout: YuvLayout, data: readonly number[]) =>
    yuvToRgb({ data: Uint8Array.from(data), width: 2, height: 2, layout, matrix: "bt601", fullRange: true });
  const halved = [...grey, 100, 110, 200, 210];
  expect(await pictureOf(frame("I422", halved))).toEqual(of("4:2:2", halved));
  const whole = [...grey, 100, 101, 110, 111, 200, 201, 210, 211];
  expect(await pictureOf(frame("I444", whole))).toEqual(of("4:4:4", whole));
  const separated = await pictureOf(frame("NV12", [...grey, 100, 200]));
  expect(separated).toEqual(await pictureOf(frame("I420", [...grey, 100, 200])));
});

test("other frames are converted by the browser, and refused with alpha or when it cannot", async () => {
  const rgba = [1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255];
  const wanted = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  expect((await pictureOf(frame("BGRX", rgba))).data).toEqual(wanted);
  await expect(pictureOf(frame("RGBA", [...rgba.slice(0, 15), 254]))).rejects.toThrow(code("image-unsupported"));
  const copyTo = vi.fn().mockRejectedValue(new DOMException("no", "NotSupportedError"));
  await expect(pictureOf(frame("I420P10", [], { copyTo }))).rejects.toThrow(code("image-unsupported"));
  await expect(pictureOf(frame(null, [], { visibleRect: null }))).rejects.toThrow(code("image-shape"));
});
