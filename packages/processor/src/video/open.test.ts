import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, openAsBlob, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bytesOf, jsonOf } from "../../test/helpers.js";
import { openVideo } from "./open.js";
import { yuvToRgb } from "./yuv.js";

interface Golden {
  readonly kind: string;
  readonly expect: string;
  readonly n_frames: number;
  readonly average_rate: string;
  readonly frames: readonly { readonly i420_sha256: string; readonly rgb_mean: readonly number[] }[];
}
const { files } = jsonOf<{ files: Record<string, Golden> }>("samples/goldens.json");
const goldens = Object.entries(files).filter(([, golden]) => golden.kind === "video");
const pathOf = (file: string) => fileURLToPath(new URL(`../../../../test/data/samples/${file}`, import.meta.url));
const H264 = "video/us_cine_h264.mp4";

const rate = (text: string) =>
  text
    .split("/")
    .map(Number)
    .reduce((a, b) => a / b);
const code = (expected: string) => expect.objectContaining({ code: expected });

/** Temporary files of these tests alone. */
const temporary = mkdtempSync(join(tmpdir(), "open-video-"));
beforeAll(() => vi.stubEnv("TMPDIR", temporary));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(temporary, { recursive: true });
});

describe("the samples", () => {
  const decodable = goldens.filter(([, golden]) => golden.frames !== undefined);
  test.each(decodable)("%s: every frame's planes, colours and time", async (file, golden) => {
    const video = await openVideo(pathOf(file));
    const fps = rate(golden.average_rate);
    expect(video).toMatchObject({
      kind: "video",
      count: golden.n_frames,
      total: golden.n_frames,
      width: 320,
      height: 240,
    });
    expect(video.videoFps).toBeCloseTo(fps, 9);
    expect(video.timestamps).toEqual(golden.frames.map((_, i) => i / video.videoFps));
    expect(video.warnings.map((w) => w.code)).toEqual(file === "nasty/truncated.webm" ? ["partial"] : []);
    let n = 0;
    for await (const planes of video.planes!()) {
      const { i420_sha256, rgb_mean } = golden.frames[n++]!;
      const rgb = yuvToRgb(planes).data;
      const sums = [0, 0, 0];
      for (let i = 0; i < rgb.length; i++) sums[i % 3]! += rgb[i]!;
      // By libswscale, to four digits: the same bytes, so the same means.
      for (const c of [0, 1, 2]) expect(sums[c]! / (320 * 240)).toBeCloseTo(rgb_mean[c]!, 3);
      // Decoders of MJPEG may differ.
      if (!file.endsWith(".avi")) expect(createHash("sha256").update(planes.data).digest("hex")).toBe(i420_sha256);
    }
    expect(n).toBe(golden.n_frames);
  });

  test("what cannot be read is refused by name", async () => {
    const rejected = goldens.filter(([, golden]) => golden.expect === "reject").map(([file]) => file);
    expect(rejected.length).toBe(3);
    for (const file of rejected) {
      const wanted = file === "nasty/zero.mp4" ? "video-format" : "video-corrupt";
      await expect(openVideo(pathOf(file)), file).rejects.toThrow(code(wanted));
    }
  });
});

describe("sampling", () => {
  test("only the picked frames come, and they are the right ones", async () => {
    const video = await openVideo(pathOf(H264), { maxFrames: 7 });
    expect(video.indices).toEqual([0, 4, 9, 14, 19, 24, 29]);
    const seen: string[] = [];
    for await (const { data } of video.planes!()) seen.push(createHash("sha256").update(data).digest("hex"));
    expect(seen).toEqual(video.indices.map((i) => files[H264]!.frames[i]!.i420_sha256));
  });

  test("rates, ranges and rules are the samplers'", async () => {
    const indices = async (options: Parameters<typeof openVideo>[1]) =>
      (await openVideo(pathOf(H264), options)).indices;
    expect(await indices({ fps: 5 })).toEqual([0, 5, 10, 15, 20, 25]);
    expect(await indices({ start: 0.5, fps: 10 })).toEqual([14, 16, 18, 20, 22, 24, 26, 28]);
    await expect(indices({ start: 40 })).rejects.toThrow(code("video-frames"));
    await expect(indices({ maxFrames: 0 })).rejects.toThrow(code("video-sampling"));
    await expect(indices({ limits: { maxFrames: 20 } })).rejects.toThrow(code("input-too-large"));
    await expect(indices({ limits: { maxPixels: 320 * 240 - 1 } })).rejects.toThrow(code("input-too-large"));
    await expect(indices({ limits: { maxBytes: 31_504 } })).rejects.toThrow(code("input-too-large"));
  });
});

describe("where a clip comes from", () => {
  test("bytes and Blobs are read as files are, and leave nothing behind", async () => {
    for (const input of [bytesOf(`samples/${H264}`), await openAsBlob(pathOf(H264))]) {
      const video = await openVideo(input, { maxFrames: 2 });
      for (let time = 0; time < 2; time++) {
        const hashes: string[] = [];
        for await (const { data } of video.planes!()) hashes.push(createHash("sha256").update(data).digest("hex"));
        expect(hashes).toEqual([0, 29].map((i) => files[H264]!.frames[i]!.i420_sha256));
      }
    }
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("any name is taken for a name: no option, no pattern, no address", async () => {
    for (const name of ["-i %03d.mp4", "concat:a|b", "http:x.mp4", '\u00fcber "x"\n.mp4']) {
      const path = join(temporary, name);
      copyFileSync(pathOf(H264), path);
      expect((await openVideo(path)).total).toBe(30);
      rmSync(path);
    }
  });

  test("no file, a folder, a device", async () => {
    for (const path of [pathOf("video/none.mp4"), pathOf("video"), "/dev/zero"])
      await expect(openVideo(path)).rejects.toThrow(code("input-file"));
    await expect(openVideo(pathOf("video/none.mp4"))).rejects.toThrow(/^the file cannot be read \(ENOENT\)$/);
  });

  test("a rate that varies: the model is told number / rate, and the file's own times are there too", async () => {
    const path = fileURLToPath(new URL("../../../../test/data/video/vfr.mp4", import.meta.url));
    const video = await openVideo(path);
    // Made by test/python/make_vfr_clip.py, shown in another order than decoded.
    const times = [0, 40, 100, 180, 200, 300, 301, 500].map((ms) => ms / 1000);
    expect(video.fileTimes).toHaveLength(8);
    video.fileTimes!.forEach((time, i) => {
      expect(time).toBeCloseTo(times[i]!, 6);
    });
    expect(video.timestamps).toEqual(times.map((_, i) => i / video.videoFps));
    expect((await openVideo(path, { maxFrames: 2 })).fileTimes).toEqual([0, expect.closeTo(0.5, 6)]);
  });

  test("an animated GIF is sampled as the released code samples GIFs", async () => {
    const video = await openVideo(pathOf("video/us_cine.gif"), { fps: 10 });
    expect(video).toMatchObject({ indices: [1, 3, 5, 7], timestamps: [1, 3, 5, 7].map((i) => i / 25), videoFps: 25 });
    const wanted = (files["video/us_cine.gif"] as unknown as { frames_rgb: { sha256: string }[] }).frames_rgb;
    const seen: string[] = [];
    for await (const { data } of video.frames()) seen.push(createHash("sha256").update(data).digest("hex"));
    expect(seen).toEqual([1, 3, 5, 7].map((i) => wanted[i]!.sha256));
    const real = await openVideo(pathOf("nasty/animated.gif"), { gifTimes: "file" });
    expect(real.timestamps).toEqual([0, 0.04, 0.12, 0.24]);
  });
});

describe("stopping", () => {
  test("an abort ends it, before and between frames", async () => {
    await expect(openVideo(pathOf(H264), { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const video = await openVideo(pathOf(H264));
    const control = new AbortController();
    await expect(async () => {
      for await (const _ of video.frames({ signal: control.signal })) control.abort(new Error("enough"));
    }).rejects.toThrow("enough");
  });

  test("while ffmpeg is silent, too", async () => {
    const control = new AbortController();
    const waiting = openVideo(pathOf(H264), { signal: control.signal });
    control.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("a reader that has seen enough leaves no file behind", async () => {
    const video = await openVideo(bytesOf(`samples/${H264}`));
    for await (const _ of video.frames()) break;
    expect(readdirSync(temporary)).toEqual([]);
  });
});
