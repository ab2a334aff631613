import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../bundle.js";

const run = promisify(execFile);
const folder = join(".cache", `video-${process.pid}`);
const clip = join(folder, "clip.mp4");
const ffmpeg: string = createRequire(join(process.cwd(), "packages/processor/package.json"))(
  "@ffmpeg-installer/ffmpeg",
).path;

/** A fresh process: the most memory that is resident while a clip's frames pass by, in bytes. */
const measures = `
  import { openVideo } from "@hulu/processor";

  const clip = await openVideo(process.argv[2], { maxFrames: Number(process.argv[3]) });
  let frames = 0;
  let peak = 0;
  for await (const { data } of clip.frames()) {
    frames += data.length === 320 * 240 * 3 ? 1 : 0;
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  console.log(JSON.stringify({ frames, peak }));
`;

let script: string;
beforeAll(async () => {
  script = await bundle(measures);
  await mkdir(folder, { recursive: true });
  const source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=220"];
  await run(ffmpeg, ["-nostdin", "-y", "-v", "error", ...source, "-pix_fmt", "yuv420p", "-c:v", "mpeg4", clip]);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("5,000 frames of a clip take no more memory than 100", async () => {
  const measured = async (count: number) => {
    const { stdout } = await run(process.execPath, [script, clip, String(count)], {
      env: { ...process.env, HULU_FFMPEG: ffmpeg },
    });
    const { frames, peak } = JSON.parse(stdout) as { frames: number; peak: number };
    expect(frames).toBe(count);
    return peak;
  };
  const [few, many] = [await measured(100), await measured(5000)];
  console.log(`100 frames: ${Math.round(few / 1e6)} MB resident, 5,000 frames: ${Math.round(many / 1e6)} MB`);
  // The frames together would be 1,152 MB. What differs is when garbage is collected.
  expect(many - few).toBeLessThan(32e6);
}, 120_000);
