import { expect, test } from "vitest";
import { logReader } from "./log.js";

const after = (...lines: string[]) => {
  const log = logReader();
  for (const line of lines) log.line(line);
  return log;
};
const OUTPUT = "[info] Output #0, framecrc, to 'pipe:1':";

test("the version and the stream are read", () => {
  const log = after(
    "[info]   libavcodec     59. 37.100 / 59. 37.100",
    OUTPUT,
    "[info]   Stream #0:0(und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709/bt709/unknown, progressive), 1920x1080 [SAR 1:1 DAR 16:9], q=2-31, 242 kb/s, 29.97 fps, 60 tbr, 30k tbn (default)",
    "[info]       displaymatrix: rotation of -90.00 degrees",
  );
  expect(log.version).toBe(59_037);
  expect(log.stream).toEqual({
    codec: "h264",
    pixels: "yuv420p",
    range: "tv",
    matrix: "bt709",
    width: 1920,
    height: 1080,
    fps: 29.97,
    rotation: -90,
  });
});

test("a rotation is read in the words of old and new versions", () => {
  const stream = "[info]   Stream #0:0: Video: h264, yuv420p, 64x48, 25 fps";
  for (const name of ["displaymatrix", "Display Matrix"])
    expect(after(OUTPUT, stream, `[info]       ${name}: rotation of 90.00 degrees`).stream?.rotation).toBe(90);
});

test("the matrix is the first of three names, not the primaries", () => {
  const line = (colour: string) => after(OUTPUT, `[info]   Stream #0:0: Video: vp9, yuv420p(${colour}), 64x48, 1k fps`);
  expect(line("pc, bt470bg/bt709/unknown").stream).toMatchObject({ range: "pc", matrix: "bt470bg", fps: 1000 });
  expect(line("unknown/bt709/bt709").stream?.matrix).toBe("unknown");
  expect(line("progressive").stream).toMatchObject({ range: undefined, matrix: undefined });
});

test("what the file's own tags say is not believed", () => {
  const log = after(
    "[info] Input #0, matroska,webm, from 'file:/x':",
    "[info]   Metadata:",
    "[info]     Output #0, rawvideo, to 'pipe:1': corrupt",
    "[info]     Stream #0:0: Video: h264, yuv420p, 64x48, 25 fps",
    "[info]     title : [error] corrupt, File ended prematurely, matches no streams",
  );
  expect(log.stream).toBeUndefined();
  expect(log).toMatchObject({ cut: false, damaged: false, noVideo: false });
});

test("trouble is told apart", () => {
  expect(after("[matroska,webm @ 0x55] [error] File ended prematurely").cut).toBe(true);
  const decoding = (line: string) => after("[info] Stream mapping:", line).damaged;
  expect(decoding("[h264 @ 0x55] [error] error while decoding MB 10 11, bytestream 70")).toBe(true);
  expect(decoding("[mpeg1video @ 0x55] [error] ac-tex damaged at 3 4")).toBe(true);
  expect(decoding("[warning] file:/x: corrupt decoded frame in stream 0")).toBe(true);
  expect(after("[fatal] Stream map '0:V:0' matches no streams.").noVideo).toBe(true);
  expect(after("[warning] Guessed Channel Layout")).toMatchObject({ cut: false, damaged: false });
  // Of sound, before the picture is decoded; and what is only unusual.
  expect(after("[aac @ 0x55] [error] Input buffer exhausted before END element found").damaged).toBe(false);
  expect(decoding("[mjpeg @ 0x55] [error] unable to decode APP fields: Invalid data found")).toBe(false);
  expect(decoding("[h264 @ 0x55] [error] mmco: unref short failure")).toBe(false);
  expect(decoding("[rawvideo @ 0x55] [error] Application provided invalid dts to muxer")).toBe(false);
});
