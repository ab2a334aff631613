import { expect, test } from "vitest";
import { bytesOf } from "../../test/helpers.js";
import { readDicom } from "../dicom/image.js";
import { type Cine, cineSource } from "./cine.js";

const code = (expected: string) => expect.objectContaining({ code: expected });
/** Frames of 2 x 1 whose grey is their number; which were asked for, and with what window. */
function cine(frames: number, frameTimes?: readonly number[]) {
  const asked: [number, unknown][] = [];
  const image: Cine<string> = {
    header: { rows: 1, columns: 2, ...(frameTimes && { frameTimes }) },
    frames,
    warnings: [{ code: "burned-in-annotation", message: "text may be in the picture" }],
    picture: async (frame, options) => {
      asked.push([frame, options?.window]);
      return { image: { data: new Uint8Array(6).fill(frame), width: 2, height: 1 } };
    },
  };
  return { image, asked };
}

test("frames are picked by the rate of the file and decoded when they are asked for", async () => {
  const { image, asked } = cine(
    30,
    Array.from({ length: 30 }, (_, i) => i / 10),
  );
  const source = cineSource(image, { fps: 2, window: "lung" });
  expect(source).toMatchObject({ kind: "video", count: 6, width: 2, height: 1, total: 30, codec: "dicom" });
  expect(source.indices).toEqual([0, 5, 10, 15, 20, 25]);
  expect(source.timestamps).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
  expect(source.videoFps).toBeCloseTo(10, 12);
  expect(source.warnings).toBe(image.warnings);
  expect(asked).toEqual([]);
  const seen: number[] = [];
  for await (const { data } of source.frames()) seen.push(data[0]!);
  expect(seen).toEqual([...source.indices]);
  expect(asked[0]).toEqual([0, "lung"]);
});

test("times that are not even are kept", () => {
  const source = cineSource(cine(4, [0, 0.1, 0.5, 0.6]).image);
  expect(source.timestamps).toEqual([0, 0.1, 0.5, 0.6]);
  expect(cineSource(cine(4, [0, 0.1, 0.5, 0.6]).image, { videoFps: 4 }).timestamps).toEqual([0, 0.25, 0.5, 0.75]);
});

test("without times there are none, and no rate can be asked for", () => {
  for (const image of [cine(4).image, cine(4, [0, 0, 0, 0]).image]) {
    const source = cineSource(image, { maxFrames: 2 });
    expect(source.indices).toEqual([0, 3]);
    expect(source).not.toHaveProperty("timestamps");
    expect(() => cineSource(image, { fps: 1 })).toThrow(code("video-sampling"));
    expect(() => cineSource(image, { limits: { maxFrames: 3 } })).toThrow(code("input-too-large"));
  }
});

test("a DICOM file is one", async () => {
  const image = await readDicom(bytesOf("samples/dicom/CT_small.dcm"));
  const source = cineSource(image);
  expect(source).toMatchObject({ count: 1, width: 128, height: 128, indices: [0] });
  for await (const frame of source.frames()) expect(frame).toEqual((await image.picture(0)).image);
});
