import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { openVideo, type VideoOptions } from "@hulu/processor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../scripts/tools.mjs";
import type { App } from "./app/app.js";
import { browsing, type Opened } from "./browser.js";
import { putApp } from "./bundles.js";

declare const hulu: App;
interface Entry {
  readonly kind: string;
  readonly frames?: readonly { readonly i420_sha256: string }[];
}
const { files } = JSON.parse(readFileSync("test/data/samples/goldens.json", "utf8")) as {
  readonly files: Readonly<Record<string, Entry>>;
};
/** Clips are made by this one, whose options do not change; whichever HULU_FFMPEG names reads them. */
const maker: string = createRequire(join(root, "packages/processor/package.json"))("@ffmpeg-installer/ffmpeg").path;
const ffmpeg = process.env.HULU_FFMPEG ?? maker;

const { site, open } = browsing();
let opened: Opened;
beforeAll(async () => {
  await putApp(site);
  opened = await open('<script type="module" src="/app/app.js"></script>');
  await opened.page.waitForFunction(() => "hulu" in globalThis);
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** What a page finds in a clip: its facts, and the hash of each frame's pixels and planes; or the code of the refusal. */
const inPage = (address: string, options: VideoOptions = {}) =>
  opened.page.evaluate(
    async ([address, options]) => {
      const hash = async (bytes: Uint8Array) => {
        const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
        return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
      };
      try {
        const clip = await hulu.processor.openVideo(await hulu.bytesOf(address), options);
        const { count, width, height, indices, timestamps, total, videoFps, warnings } = clip;
        const frames: string[] = [];
        for await (const { data } of clip.frames()) frames.push(await hash(data));
        const planes: string[] = [];
        if (clip.planes) for await (const { data } of clip.planes()) planes.push(await hash(data));
        const facts = {
          count,
          width,
          height,
          indices,
          timestamps,
          total,
          videoFps,
          warnings: warnings.map((w) => w.code),
        };
        return { ...facts, frames, planes };
      } catch (error) {
        return { code: (error as { code?: string }).code ?? String(error) };
      }
    },
    [address, options] as const,
  );

async function inNode(path: string, options: VideoOptions = {}) {
  const clip = await openVideo(path, { ffmpeg, ...options });
  const { count, width, height, indices, timestamps, total, videoFps, warnings } = clip;
  const frames: string[] = [];
  for await (const { data } of clip.frames()) frames.push(sha256(data));
  return {
    ...{ count, width, height, indices, timestamps, total, videoFps },
    warnings: warnings.map((w) => w.code),
    frames,
  };
}

describe("a page reads a clip", () => {
  const samples = ["video/us_cine_h264.mp4", "video/us_cine_vp9.webm", "nasty/webm_named.mp4"];
  test.each(samples)("%s with the planes of the goldens and the pixels of Node", async (path) => {
    const { planes, ...found } = (await inPage(`/samples/${path}`)) as Exclude<
      Awaited<ReturnType<typeof inPage>>,
      { code: string }
    >;
    expect(found).toEqual(await inNode(`test/data/samples/${path}`));
    expect(planes).toEqual(files[path]!.frames!.map((f) => f.i420_sha256));
  });

  test("sampled as in Node", async () => {
    for (const options of [
      { maxFrames: 7 },
      { fps: 5, start: 0.2, end: 0.9 },
      { start: 0.5 },
      { rule: "hf" as const },
    ]) {
      const { planes, ...found } = (await inPage(`/samples/${samples[0]}`, options)) as { planes: string[] };
      expect(found).toEqual(await inNode(`test/data/samples/${samples[0]}`, options));
    }
  });

  test("what cannot be read is refused by name", async () => {
    const codes = async (path: string, options = {}) => (await inPage(`/samples/${path}`, options)) as { code: string };
    expect(await codes("nasty/zero.mp4")).toEqual({ code: "video-format" });
    for (const cut of ["truncated.mp4", "mp4_no_video.mp4", "truncated.webm"])
      expect(await codes(`nasty/${cut}`), cut).toEqual({ code: "video-corrupt" });
    expect(await codes("video/us_cine_mjpeg.avi")).toEqual({ code: "video-unsupported" });
    const tooLarge = { code: "input-too-large" };
    expect(await codes(samples[0]!, { limits: { maxPixels: 320 * 240 - 1 } })).toEqual(tooLarge);
    expect(await codes(samples[0]!, { limits: { maxBytes: 31_504 } })).toEqual(tooLarge);
  });

  test("a GIF as in Node", async () => {
    const { frames } = (await inPage("/samples/video/us_cine.gif")) as { frames: string[] };
    expect(frames).toEqual((await inNode("test/data/samples/video/us_cine.gif")).frames);
  });
});

describe("clips of other kinds are the same in a page and in Node", () => {
  const folder = join(root, ".cache", `clips-${process.pid}`);
  beforeAll(() => mkdirSync(folder, { recursive: true }));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A moving test picture, encoded as asked for. */
  function make(name: string, size: string, ...how: string[]): string {
    const path = join(folder, name);
    const source = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=25:duration=1`];
    execFileSync(maker, ["-nostdin", "-y", "-v", "error", ...source, ...how, path]);
    site.put(`/clips/${name}`, readFileSync(path), "application/octet-stream");
    return path;
  }
  const h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"];
  const kinds: readonly [string, string, ...string[]][] = [
    ["709.mp4", "322x242", ...h264, "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"],
    ["full.mp4", "160x120", ...h264, "-color_range", "pc"],
    ["hd.mp4", "1280x720", ...h264, "-preset", "ultrafast"],
    ["film.mkv", "160x120", ...h264, "-r", "24000/1001"],
    ["stream.ts", "160x120", ...h264],
    ["vp8.webm", "160x120", "-c:v", "libvpx", "-pix_fmt", "yuv420p"],
  ];
  test.each(kinds)("%s, %s", async (name, size, ...how) => {
    const path = make(name, size, ...how);
    const { planes, ...found } = (await inPage(`/clips/${name}`)) as { planes: string[] };
    expect(found).toEqual(await inNode(path));
    expect(planes.length).toBeGreaterThan(20);
  });

  test("one that is to be turned, and one whose begin is cut off by an edit", async () => {
    make("plain.mp4", "160x120", ...h264, "-g", "12");
    for (const [name, ...how] of [
      ["turned.mp4", "-metadata:s:v:0", "rotate=90"],
      ["edited.mp4", "-ss", "0.5"],
    ] as const) {
      const path = join(folder, name);
      const [before, after] = name === "edited.mp4" ? [how, []] : [[], how];
      execFileSync(maker, [
        ...["-nostdin", "-y", "-v", "error", ...before, "-i", join(folder, "plain.mp4"), "-c", "copy"],
        ...[...after, path],
      ]);
      site.put(`/clips/${name}`, readFileSync(path), "application/octet-stream");
      const { planes: _, ...found } = (await inPage(`/clips/${name}`)) as { planes: string[]; width: number };
      expect(found, name).toEqual(await inNode(path));
      expect(found.width).toBe(name === "turned.mp4" ? 120 : 160);
    }
  });

  test("a damaged and a cut one", async () => {
    const whole = readFileSync(make("whole.mp4", "160x120", ...h264, "-movflags", "+faststart"));
    const damaged = Uint8Array.from(whole);
    damaged.fill(0x5a, damaged.length - 4000, damaged.length - 3900);
    site.put("/clips/damaged.mp4", damaged);
    expect(await inPage("/clips/damaged.mp4")).toEqual({ code: "video-corrupt" });
    site.put("/clips/cut.mp4", whole.subarray(0, Math.trunc(whole.length * 0.7)));
    const found = (await inPage("/clips/cut.mp4")) as { total: number; warnings: string[]; frames: string[] };
    expect(found.warnings).toEqual(["partial"]);
    expect(found.frames.length).toBe(found.total);
    expect(found.total).toBeGreaterThan(5);
    expect(found.total).toBeLessThan(25);
  });
});

describe("pictures that a page holds", () => {
  const picture = (make: string) =>
    opened.page.evaluate(async (make) => {
      const pixels = new Uint8ClampedArray([200, 100, 50, 255, 10, 20, 30, 255]);
      const clear = new Uint8ClampedArray([200, 100, 50, 128, 10, 20, 30, 0]);
      const image = (data: Uint8ClampedArray) => new ImageData(data as Uint8ClampedArray<ArrayBuffer>, 2, 1);
      const frame = (data: Uint8ClampedArray, format: "RGBA" | "RGBX") =>
        new VideoFrame(data as Uint8ClampedArray<ArrayBuffer>, { format, codedWidth: 2, codedHeight: 1, timestamp: 0 });
      const made: Record<string, () => unknown> = {
        ImageData: () => image(pixels),
        "clear ImageData": () => image(clear),
        ImageBitmap: () => createImageBitmap(image(pixels)),
        "clear ImageBitmap": () => createImageBitmap(image(clear)),
        VideoFrame: () => frame(pixels, "RGBX"),
        "opaque VideoFrame": () => frame(pixels, "RGBA"),
        "clear VideoFrame": () => frame(clear, "RGBA"),
      };
      try {
        return [...(await hulu.processor.pictureOf((await made[make]!()) as ImageBitmap)).data];
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    }, make);

  test.each(["ImageData", "clear ImageData", "ImageBitmap", "VideoFrame", "opaque VideoFrame"])("%s", async (kind) => {
    expect(await picture(kind)).toEqual([200, 100, 50, 10, 20, 30]);
  });
  test.each(["clear ImageBitmap", "clear VideoFrame"])("%s is refused: its colours are multiplied", async (kind) => {
    expect(await picture(kind)).toBe("image-unsupported");
  });
});
