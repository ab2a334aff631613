import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { bytesOf } from "../../../test/helpers.js";
import { openVideo } from "../open.js";
import type { VideoOptions } from "../source.js";

/** Programs that say they are ffmpeg and misbehave in one way each. */
const folder = mkdtempSync(join(tmpdir(), "fake-ffmpeg-"));
const clip = bytesOf("samples/video/us_cine_h264.mp4");
const DESCRIBED = `process.stderr.write("[info] Output #0, x, to 'pipe:1':\\n[info]   Stream #0:0: Video: h264, yuv420p, 64x48, 25 fps\\n");`;
const LISTED = `process.stdout.write("#tb 0: 1/25\\n" + Array.from({ length: 4 }, (_, i) => \`0, \${i}, \${i}, 1, 9, 0x0\\n\`).join(""));`;
const FRAME = "64 * 48 * 3 / 2";

function fake(name: string, listing: string, frames = ""): string {
  const path = join(folder, name);
  const script = `#!/usr/bin/env node
if (process.argv[2] === "-version") { console.log("ffmpeg version 7.0"); process.exit(0); }
require("fs").appendFileSync(${JSON.stringify(join(folder, "pids"))}, process.pid + "\\n");
if (process.argv.includes("framecrc")) { ${listing} } else { ${frames} }
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

const code = (expected: string) => expect.objectContaining({ code: expected });
async function all(ffmpeg: string, options: VideoOptions = {}): Promise<number> {
  const video = await openVideo(clip, { ffmpeg, ...options });
  let frames = 0;
  for await (const _ of video.frames()) frames++;
  return frames;
}

beforeAll(() => writeFileSync(join(folder, "pids"), ""));
afterAll(() => {
  for (const pid of readFileSync(join(folder, "pids"), "utf8").split("\n").filter(Boolean))
    expect(existsSync(`/proc/${pid}`), `process ${pid} still runs`).toBe(false);
  rmSync(folder, { recursive: true });
});

test("one that behaves is believed", async () => {
  const path = fake("good", DESCRIBED + LISTED, `${DESCRIBED} process.stdout.write(Buffer.alloc(4 * ${FRAME}));`);
  expect(await all(path)).toBe(4);
});

test("times are the file's, in the order of showing; none where one is not told", async () => {
  const listed = (shown: readonly (number | string)[]) =>
    `process.stdout.write("#tb 0: 1/1000\\n" + ${JSON.stringify(shown)}.map((t, i) => \`0, \${i * 40}, \${t}, 40, 9, 0x0\\n\`).join(""));`;
  const open = (name: string, shown: readonly (number | string)[]) =>
    openVideo(clip, { ffmpeg: fake(name, DESCRIBED + listed(shown)), maxFrames: 3 });
  expect((await open("uneven", [1000, 1300, 1040, 1200, 2500])).fileTimes).toEqual([1, 1.2, 2.5]);
  expect((await open("untold", [0, 40, "-9223372036854775808", 120])).fileTimes).toBeUndefined();
});

test("one that hangs is ended, while it lists and while it decodes", async () => {
  const hang = "setInterval(() => {}, 1000);";
  await expect(all(fake("hangs", hang), { timeout: 0.5 })).rejects.toThrow(code("video-timeout"));
  const later = fake("hangs-later", DESCRIBED + LISTED, DESCRIBED + hang);
  await expect(all(later, { timeout: 0.5 })).rejects.toThrow(code("video-timeout"));
  const silent = fake("ends-output-only", `${DESCRIBED + LISTED} process.stdout.end(); ${hang}`);
  await expect(all(silent, { timeout: 0.5 })).rejects.toThrow(code("video-timeout"));
});

test("one that hangs is ended by an abort at once", async () => {
  const hangs = fake("hangs-on", "setInterval(() => {}, 1000);");
  const began = performance.now();
  const signal = AbortSignal.timeout(1500);
  await expect(all(hangs, { signal })).rejects.toThrow(expect.objectContaining({ name: "TimeoutError" }));
  expect(performance.now() - began).toBeLessThan(15_000);
});

test("one that never stops is ended when its reader has seen enough", async () => {
  const endless = `${DESCRIBED} const more = () => process.stdout.write(Buffer.alloc(${FRAME}), more); more();`;
  const video = await openVideo(clip, { ffmpeg: fake("endless", DESCRIBED + LISTED, endless) });
  for await (const _ of video.frames()) break;
});

test("it is not told to write reports, which hold paths and tags", async () => {
  vi.stubEnv("FFREPORT", "file=report.log");
  const path = fake("reports", `${DESCRIBED} if (!process.env.FFREPORT) { ${LISTED} }`);
  expect(await openVideo(clip, { ffmpeg: path })).toMatchObject({ total: 4 });
  vi.unstubAllEnvs();
});

test("one that dies, with and without a word", async () => {
  await expect(all(fake("dies", "process.exit(9);"))).rejects.toThrow(code("video-corrupt"));
  await expect(all(fake("killed", "process.kill(process.pid, 'SIGSEGV');"))).rejects.toThrow(code("video-corrupt"));
  const halfway = fake(
    "half-a-frame",
    DESCRIBED + LISTED,
    `${DESCRIBED} process.stdout.write(Buffer.alloc(2.5 * ${FRAME}));`,
  );
  await expect(all(halfway)).rejects.toThrow(/^the clip ends after 2 of the 4 frames/);
});

test("one that floods stderr is drained, and none of it is shown", async () => {
  const flood = `for (let i = 0; i < 2000; i++) process.stderr.write("[error] /data/secret/" + "x".repeat(10000) + (i % 2 ? "\\n" : ""));`;
  const path = fake("floods", flood + DESCRIBED + LISTED, flood);
  const error = await all(path).catch((e: Error) => e);
  expect(error).toEqual(code("video-corrupt"));
  expect(String(error)).not.toContain("secret");
});

test("one that says another size than it lists is refused", async () => {
  const other = DESCRIBED.replace("64x48", "48x64");
  const path = fake("other", DESCRIBED + LISTED, `${other} process.stdout.write(Buffer.alloc(4 * ${FRAME}));`);
  await expect(all(path)).rejects.toThrow(code("video-corrupt"));
});

test("damage is refused, or shown when that is asked for", async () => {
  const damaged = `process.stderr.write("[info] Stream mapping:\\n[h264 @ 0x1] [error] error while decoding MB 1 1\\n");`;
  const path = fake(
    "damaged",
    DESCRIBED + LISTED,
    `${damaged + DESCRIBED} process.stdout.write(Buffer.alloc(4 * ${FRAME}));`,
  );
  await expect(all(path)).rejects.toThrow(code("video-corrupt"));
  expect(await all(path, { damage: "conceal" })).toBe(4);
});

test("no program, or another one, is said with what to do", async () => {
  for (const ffmpeg of [join(folder, "none"), "/usr/bin/env", "node"])
    await expect(all(ffmpeg)).rejects.toThrow(code("video-decoder-missing"));
  await expect(all(join(folder, "none"))).rejects.toThrow(/apt-get install ffmpeg/);
});

test("a size beyond the limit is refused before a frame is decoded", async () => {
  const huge = DESCRIBED.replace("64x48", "65500x65500");
  const path = fake("huge", huge + LISTED, "process.exit(1)");
  await expect(all(path)).rejects.toThrow(code("input-too-large"));
});
