import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onnx } from "@hulu/backend-onnx";
import { type AskOptions, type LocalModel, load, type Message, type Part, type Result } from "@hulu/engine";
import { openInput, type RgbImage, readDicom } from "@hulu/processor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const samples = "test/data/samples";
const cine = `${samples}/video/us_cine_h264.mp4`;
const gif = `${samples}/nasty/animated.gif`;
const gap = ["2062", "2392", "3353"].map((name) => `${samples}/nasty/series_gap/${name}.dcm`);

let model: LocalModel;
let temporary: string;
beforeAll(async () => {
  model = await load("test/data/goldens/q3-p16", { backend: onnx, worker: false });
  temporary = await mkdtemp(join(tmpdir(), "hulu-inputs-"));
});
afterAll(async () => {
  await model.dispose();
  await rm(temporary, { recursive: true });
});

const bytesOf = async (path: string) => new Uint8Array(await readFile(path));
const asked = (...parts: Part[]): Message => ({ role: "user", content: [...parts, { type: "text", text: "What?" }] });
const short: AskOptions = { maxTokens: 3, prune: "pixel" };
const whole = (...parts: Part[]): Promise<Result> => model.ask([asked(...parts)], short).result();
/** What an answer depends on. */
const said = ({ tokenIds, promptTokens, visualTokens }: Result) => ({ tokenIds, promptTokens, visualTokens });
const answer = async (...parts: Part[]) => said(await whole(...parts));
const failure = (...parts: Part[]) => answer(...parts).catch((error: unknown) => error);
const framesOf = async (...args: Parameters<typeof openInput>) => {
  const { source } = await openInput(...args);
  const frames: RgbImage[] = [];
  for await (const frame of source.frames()) frames.push(frame);
  return { frames, timestamps: source.timestamps };
};

describe("a picture", () => {
  test("is a DICOM file, through the window that is asked for", async () => {
    const image = await bytesOf("test/data/dicom/window-linear.dcm");
    const read = await readDicom(image);
    const painted = async (window: "file" | "min-max") => (await read.picture(0, { window })).image;
    expect(await answer({ type: "image", image })).toEqual(
      await answer({ type: "image", image: await painted("file") }),
    );
    const other: Part = { type: "image", image: new Blob([image]), window: "min-max" };
    expect(await answer(other)).toEqual(await answer({ type: "image", image: await painted("min-max") }));
    expect(await painted("file")).not.toEqual(await painted("min-max"));
  });

  test("is samples that somebody holds: with alpha, grey, of 16 bits", async () => {
    const [width, height] = [32, 32];
    const grey = Uint8Array.from({ length: width * height }, (_, i) => (i * 5) % 256);
    const spread = (channels: number) => [...grey].flatMap((g) => [g, g, g, 9].slice(0, channels));
    const expected = await answer({ type: "image", image: { data: Uint8Array.from(spread(3)), width, height } });
    const rgba = { data: Uint8ClampedArray.from(spread(4)), width, height };
    const deep = { data: Uint16Array.from(grey, (g) => g * 257), width, height };
    expect(await answer({ type: "image", image: rgba })).toEqual(expected);
    expect(await answer({ type: "image", image: { data: grey, width, height } })).toEqual(expected);
    expect(await answer({ type: "image", image: deep, range: [0, 65535] })).toEqual(expected);
    expect(await failure({ type: "image", image: deep })).toMatchObject({ code: "image-unsupported" });
    const { shape } = await model.encodeVision(rgba);
    expect(shape[0]).toBe(9);
  });

  test("is one frame, and no path", async () => {
    const volume = await bytesOf("test/data/goldens/nifti/int16.nii.gz");
    expect(await failure({ type: "image", image: volume })).toMatchObject({ code: "content-invalid" });
    const path = "test/data/dicom/window-linear.dcm";
    expect(await failure({ type: "image", image: path as never })).toMatchObject({ code: "content-invalid" });
  });
});

describe("a clip", () => {
  const sampling = { fps: 2, maxFrames: 3 };

  test("is a path, bytes or a Blob, sampled as asked, with its times", async () => {
    const { frames, timestamps } = await framesOf(cine, { as: "video", ...sampling });
    expect(timestamps).toHaveLength(3);
    const expected = await answer({ type: "video", frames, timestamps: timestamps! });
    const bytes = await bytesOf(cine);
    for (const video of [cine, bytes, new Blob([bytes])])
      expect(await answer({ type: "video", video, ...sampling })).toEqual(expected);
    expect(await failure({ type: "video", video: cine, ...sampling, timestamps: [1] })).toMatchObject({
      code: "content-invalid",
    });
  });

  test("is an animated GIF, and pictures in their order", async () => {
    const { frames, timestamps } = await framesOf(gif, { as: "video" });
    expect(await answer({ type: "video", video: await bytesOf(gif) })).toEqual(
      await answer({ type: "video", frames, timestamps: timestamps! }),
    );
    const png = `${samples}/resize/microaneurysms_bicubic_45x53.png`;
    const pictures = [await bytesOf(png), await bytesOf(png)];
    const listed = await framesOf(pictures, { as: "video" });
    expect(await answer({ type: "video", video: pictures })).toEqual(
      await answer({ type: "video", frames: pictures, ...(listed.timestamps && { timestamps: listed.timestamps }) }),
    );
  });

  test("is known by its file in a conversation, and by how it is sampled", async () => {
    const path = join(temporary, "clip.mp4");
    await copyFile(cine, path);
    await using talk = model.converse();
    const ask = async (part: object) => {
      await talk.truncate(0);
      const { reusedTokens, promptTokens } = await talk
        .ask(asked({ type: "video", video: path, ...part } as Part), short)
        .result();
      return reusedTokens === promptTokens - 1;
    };
    expect(await ask(sampling)).toBe(false);
    expect(await ask(sampling)).toBe(true);
    expect(await ask({ ...sampling, video: await bytesOf(cine) })).toBe(true);
    expect(await ask({ ...sampling, start: 0.2 })).toBe(false);
    await ask(sampling);
    await copyFile(gif, path);
    await expect(talk.ask("And?", { ...short, merge: 1 }).result()).rejects.toMatchObject({ code: "content-changed" });
  });

  test("runs no program that a message names", async () => {
    const part = { type: "video", video: cine, ...sampling, ffmpeg: "/bin/false" } as Part;
    expect(await answer(part)).toEqual(await answer({ type: "video", video: cine, ...sampling }));
  });

  test("is an iterable with its count; a function is asked again", async () => {
    const frames = [1, 1, 2].map((seed) => ({
      data: new Uint8Array(48 * 48 * 3).fill(seed * 60),
      width: 48,
      height: 48,
    }));
    const iterable = async function* () {
      yield* frames;
    };
    const expected = await answer({ type: "video", frames });
    expect(await answer({ type: "video", video: iterable(), count: 3 })).toEqual(expected);
    expect(await answer({ type: "video", video: iterable, count: 3 })).toEqual(expected);
    expect(await answer({ type: "video", video: iterable, count: 3, fps: 2 })).toEqual(
      await answer({ type: "video", frames, timestamps: [0, 0.5, 1] }),
    );
    for (const count of [undefined, 0, 2.5])
      expect(await failure({ type: "video", video: iterable, count } as Part)).toMatchObject({
        code: "content-invalid",
      });
    expect(await failure({ type: "video", video: iterable(), count: 4 })).toMatchObject({ code: "video-frames" });

    for (const [video, then] of [
      [iterable, said],
      [iterable(), undefined],
    ] as const) {
      await using talk = model.converse();
      expect(said(await talk.ask(asked({ type: "video", video, count: 3 }), short).result())).toEqual(expected);
      await talk.ask("And?", short).result();
      const merged = talk.ask("So?", { ...short, merge: 1 }).result();
      if (then) expect((await merged).reusedTokens).toBeLessThan(10);
      else await expect(merged).rejects.toMatchObject({ code: "visual-forgotten" });
    }
  });
});

describe("a volume", () => {
  test("is a DICOM series: its folder, its files; what is odd about it is said", async () => {
    const result = await whole({ type: "volume", volume: `${samples}/nasty/series_gap`, window: "lung" });
    expect(result.warnings.map(({ code }) => code)).toContain("series-gap");
    const files = await Promise.all(gap.map(bytesOf));
    for (const volume of [gap, gap.toReversed(), files, files.map((file) => new Blob([file]))])
      expect(await answer({ type: "volume", volume, window: "lung" })).toEqual(said(result));
    expect(await answer({ type: "volume", volume: gap, window: "bone" })).not.toEqual(said(result));
    expect((await whole({ type: "volume", volume: "test/data/goldens/nifti/int16.nii.gz" })).warnings).toEqual([]);
    await using talk = model.converse();
    await talk.ask(asked({ type: "volume", volume: gap }), short).result();
    const again = await talk.ask("And?", short).result();
    expect(again.warnings.map(({ code }) => code)).toContain("series-gap");
  });

  test("is a pair, which is known by both of its files", async () => {
    const [header, image] = [join(temporary, "pair.hdr"), join(temporary, "pair.img")];
    await copyFile(`${samples}/nasty/pair.hdr`, header);
    const voxels = await bytesOf(`${samples}/nasty/pair.img`);
    await writeFile(image, voxels);
    await using talk = model.converse();
    const ask = async () => {
      await talk.truncate(0);
      const { reusedTokens, promptTokens } = await talk.ask(asked({ type: "volume", volume: header }), short).result();
      return reusedTokens === promptTokens - 1;
    };
    expect(await ask()).toBe(false);
    expect(await ask()).toBe(true);
    await writeFile(image, voxels.toReversed());
    expect(await ask()).toBe(false);
    expect(await answer({ type: "volume", volume: [header, image] })).toEqual(
      await answer({ type: "volume", volume: header }),
    );
  });

  test("in memory takes a preset, and refuses a window of a file that it is not", async () => {
    const data = Float32Array.from({ length: 24 * 24 * 3 }, (_, i) => (i % 97) * 20 - 1000);
    const volume = { data, dims: [24, 24, 3] as const };
    const { center, width } = { center: -600, width: 1500 };
    expect(await answer({ type: "volume", volume, window: "lung" })).toEqual(
      await answer({ type: "volume", volume, window: { center, width } }),
    );
    expect(await failure({ type: "volume", volume, window: { file: 0 } })).toMatchObject({ code: "content-invalid" });
    expect(await failure({ type: "volume", volume: [] })).toMatchObject({ code: "content-invalid" });
  });
});
