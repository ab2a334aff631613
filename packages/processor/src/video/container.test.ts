import { expect, test } from "vitest";
import { bytesOf } from "../../test/helpers.js";
import { sniffVideo } from "./container.js";

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

test("the first bytes tell the container, whatever the file is called", () => {
  const of = (file: string) => sniffVideo(bytesOf(`samples/${file}`));
  expect(of("video/us_cine_h264.mp4")).toBe("mp4");
  expect(of("video/us_cine_vp9.webm")).toBe("matroska");
  expect(of("nasty/webm_named.mp4")).toBe("matroska");
  expect(of("video/us_cine_mjpeg.avi")).toBe("avi");
  expect(of("video/us_cine.gif")).toBe("gif");
});

test("a transport stream is known by its packets", () => {
  const stream = new Uint8Array(577);
  for (const at of [0, 188, 376]) stream[at] = 0x47;
  expect(sniffVideo(stream)).toBe("mpegts");
  const timed = new Uint8Array(577);
  for (const at of [4, 196, 388]) timed[at] = 0x47;
  expect(sniffVideo(timed)).toBe("mpegts");
  expect(sniffVideo(stream.subarray(0, 300))).toBeUndefined();
});

test("what names other files, pictures and nothing are no clips", () => {
  for (const text of ["#EXTM3U\n#EXTINF:1\nfile:///etc/passwd", "ffconcat version 1.0\nfile a.mp4", "<MPD></MPD>", ""])
    expect(sniffVideo(ascii(text))).toBeUndefined();
  expect(sniffVideo(ascii("\0\0\0\x18ftypheic\0\0\0\0"))).toBeUndefined();
  expect(sniffVideo(bytesOf("samples/2d/ihc.png"))).toBeUndefined();
});
