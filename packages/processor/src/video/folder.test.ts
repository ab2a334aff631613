import { expect, test } from "vitest";
import { bytesOf, sha256 } from "../../test/helpers.js";
import { decodeImage } from "../image/decode.js";
import { FOLDER_FPS, frameFiles } from "./folder.js";

const code = (expected: string) => expect.objectContaining({ code: expected });

/** A BMP file of 1 x 1, 24 bits, grey. */
function bmp(grey: number): Uint8Array {
  const bytes = new Uint8Array(58);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  for (const [at, value] of [
    [2, 58],
    [10, 54],
    [14, 40],
    [18, 1],
    [22, 1],
  ] as const)
    view.setUint32(at, value, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  bytes.fill(grey, 54, 57);
  return bytes;
}

test("pictures in a row are one a second, and picked as the released code picks a folder's", async () => {
  const source = await frameFiles(
    Array.from({ length: 10 }, (_, i) => bmp(i)),
    { maxFrames: 4 },
  );
  expect(source).toMatchObject({ count: 4, width: 1, height: 1, total: 10, videoFps: FOLDER_FPS, codec: "pictures" });
  // linspace(0, 9, 4), truncated.
  expect(source.indices).toEqual([0, 3, 6, 9]);
  expect(source.timestamps).toEqual([0, 3, 6, 9]);
  const seen: number[] = [];
  for await (const { data } of source.frames()) seen.push(data[0]!);
  expect(seen).toEqual([0, 3, 6, 9]);
});

test("sizes may differ, as the model is shown all in the first one's", async () => {
  const files = ["samples/nasty/rgb.bmp", "samples/2d/ihc.png"].map(bytesOf);
  const source = await frameFiles(files);
  expect(source).toMatchObject({ count: 2, width: 61, height: 43 });
  const hashes: string[] = [];
  for await (const { data } of source.frames()) hashes.push(sha256(data));
  expect(hashes).toEqual(await Promise.all(files.map(async (bytes) => sha256((await decodeImage(bytes)).data))));
});

test("no picture, and one that is none, are refused", async () => {
  await expect(frameFiles([])).rejects.toThrow(code("video-frames"));
  await expect(frameFiles([Uint8Array.of(1, 2, 3)])).rejects.toThrow(code("image-format"));
  const later = await frameFiles([bmp(1), Uint8Array.of(1, 2, 3)]);
  await expect(async () => {
    for await (const _ of later.frames());
  }).rejects.toThrow(code("image-format"));
  await expect(frameFiles([bmp(1), bmp(2)], { limits: { maxFrames: 1 } })).rejects.toThrow(code("input-too-large"));
});
