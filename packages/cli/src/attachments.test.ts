import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Part } from "@hulu/engine";
import { type FrameSource, openInput, type RgbImage, readNifti, volumeFrames } from "@hulu/processor";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Attachment, type AttachmentOptions, conversation } from "./attachments.js";

const samples = "test/data/samples";
const gif = `${samples}/nasty/animated.gif`; // 4 frames
const scan = "test/data/goldens/q3-p16/volume.nii.gz";
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "hulu-attach-"));
});
afterAll(() => rm(scratch, { recursive: true }));

const told: string[] = [];
const none: AttachmentOptions = {
  windows: [],
  tags: [],
  signal: new AbortController().signal,
  warn: (text) => void told.push(text),
};
const file = (kind: Attachment["kind"], path: string): Attachment => ({ kind, file: path });
const user = (...content: object[]) => [{ role: "user", content }];
/** The parts of the only message. */
async function parts(
  messages: readonly Readonly<Record<string, unknown>>[],
  attachments: Attachment[],
  options: Partial<AttachmentOptions> = {},
): Promise<readonly Part[]> {
  const filled = await conversation(messages, messages.length > 0 ? undefined : "", attachments, {
    ...none,
    ...options,
  });
  expect(filled).toHaveLength(1);
  return filled[0]!.content as readonly Part[];
}
type Video = Extract<Part, { readonly type: "video"; readonly frames?: undefined }>;
type Volume = Extract<Part, { readonly type: "volume" }>;
const video = async (options: Partial<AttachmentOptions>, part?: object): Promise<Video> => {
  const [found] = await parts(part === undefined ? [] : user(part), [file("video", gif)], options);
  expect(found!.type).toBe("video");
  return found as Video;
};
/** What the engine opens by a part. */
const sourceOf = async (part: Video | Volume): Promise<FrameSource> => {
  const { type, ...reading } = part;
  const path = part.type === "video" ? part.video : part.volume;
  return (await openInput(path as string, { ...reading, as: type })).source;
};
const framesOf = async (part: Video | Volume): Promise<RgbImage[]> => {
  const frames: RgbImage[] = [];
  for await (const frame of (await sourceOf(part)).frames()) frames.push(frame);
  return frames;
};

describe("an animated GIF", () => {
  test("is all its frames, by its path", async () => {
    const found = await video({});
    expect(found).toEqual({ type: "video", video: gif });
    expect(await framesOf(found)).toHaveLength(4);
  });

  test("is sampled by --fps, at the 25 frames a second that a GIF has", async () => {
    const all = await framesOf(await video({}));
    const sampled = await video({ fps: 12 });
    expect((await sourceOf(sampled)).timestamps).toEqual([1 / 25, 3 / 25]);
    expect(await framesOf(sampled)).toEqual([all[1], all[3]]);
  });

  test("has as many frames as the message says, but as --max-frames says where it is given", async () => {
    const all = await framesOf(await video({}));
    const shown = async (...args: Parameters<typeof video>) => framesOf(await video(...args));
    expect(await shown({}, { type: "video", num_frames: 2 })).toEqual([all[0], all[3]]);
    expect(await shown({ maxFrames: 3 }, { type: "video", num_frames: 2 })).toEqual([all[0], all[1], all[3]]);
    expect(await shown({ maxFrames: 1 })).toEqual([all[0]]);
  });

  test("keeps the times of its message", async () => {
    const times = [0.5, 7];
    const part = { type: "video", num_frames: 2, timestamps: times };
    expect((await video({}, part)).timestamps).toEqual(times);
    expect((await video({ fps: 25 }, part)).timestamps).toEqual(times);
  });

  test("of one frame is a picture", async () => {
    const still = join(scratch, "still.gif");
    await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
      .gif()
      .toFile(still);
    await expect(parts([], [file("video", still)])).rejects.toMatchObject({
      name: "UsageError",
      message: `${still} is one picture; give it with --image, or a GIF or a folder of frames with --video`,
    });
  });
});

describe("a volume", () => {
  const slices = async (...args: Parameters<typeof parts>): Promise<Volume> => {
    const [volume] = await parts(...args);
    expect(volume!.type).toBe("volume");
    return volume as Volume;
  };
  const countOf = async (...args: Parameters<typeof parts>) => (await sourceOf(await slices(...args))).count;

  test("is given with what was asked of it", async () => {
    const window = { center: -600, width: 1500 };
    const asked = { axis: "coronal", numSlices: 5, rule: "hf", volumeIndex: 0, windows: [window] } as const;
    const found = await slices([], [file("volume", scan)], asked);
    const read = await readNifti(await readFile(scan), { volumeIndex: 0 });
    expect(await framesOf(found)).toEqual(volumeFrames(read, { axis: "coronal", rule: "hf", numSlices: 5, window }));
    const plain = await slices([], [file("volume", scan)]);
    expect(plain).toEqual({ type: "volume", volume: scan });
    expect(await framesOf(plain)).toEqual(volumeFrames(read, { rule: "hf" }));
  });

  test.each(["video", "volume"])("has as many slices as a part of type %s says, or as --slices says", async (type) => {
    const place = user({ type, num_frames: 6 });
    expect(await countOf(place, [file("volume", scan)])).toBe(6);
    expect(await countOf(place, [file("volume", scan)], { numSlices: 5 })).toBe(5);
  });

  test("may be a folder with a DICOM series; what is odd about it is told", async () => {
    told.length = 0;
    expect(await countOf([], [file("volume", `${samples}/nasty/series_gap`)])).toBe(3);
    expect(told).toEqual([expect.stringMatching(/series_gap: the slices lie 2\.5 to 7\.5 mm apart.*\(series-gap\)$/)]);
    expect(await countOf([], [file("volume", `${samples}/nasty/pair.hdr`)])).toBe(11);
    expect(await countOf([], [file("volume", `${samples}/dicom/CT_small.dcm`)])).toBe(1);
  });

  test("is seen through one window", async () => {
    const windows = ["lung", "bone"] as const;
    await expect(parts([], [file("volume", `${samples}/3d/ct_series_tiny`)], { windows })).rejects.toThrow(
      "is a volume, which is seen through one --window, not 2",
    );
  });

  test("takes its own place; a video does not", async () => {
    const place = user({ type: "volume" }, { type: "video", num_frames: 2 });
    const types = (await parts(place, [file("video", gif), file("volume", scan)])).map((p) => p.type);
    expect(types).toEqual(["volume", "video"]);
    await expect(parts(user({ type: "volume" }), [file("video", gif)])).rejects.toThrow(
      "a message has a part of type volume, and no file is left for it; give --volume FILE",
    );
    await expect(parts(user({ type: "video", num_frames: 1 }), [file("image", gif)])).rejects.toThrow(
      "give --video or --volume FILE",
    );
  });
});

test("a picture keeps the time that its message gives it", async () => {
  const place = user({ type: "image", time: 1.5 }, { type: "image" });
  const [timed, plain] = await parts(place, [file("image", gif), file("image", gif)]);
  expect(timed).toMatchObject({ type: "image", time: 1.5 });
  expect(Object.keys(plain!)).toEqual(["type", "image"]);
});

describe("a DICOM file", () => {
  const ct = `${samples}/nasty/window_multi.dcm`;
  const images = (found: readonly Part[]) =>
    found.map((part) =>
      createHash("sha256")
        .update((part as any).image.data.filter((_: number, i: number) => i % 3 === 0))
        .digest("hex"),
    );
  const golden = async (name: string) =>
    JSON.parse(await readFile(`${samples}/goldens.json`, "utf8")).files[`nasty/${name}`];

  test("is a picture through its first window, or one for each window that is asked for", async () => {
    const { window8, presets8, minmax8 } = await golden("window_multi.dcm");
    expect(images(await parts([], [file("image", ct)]))).toEqual([window8.sha256]);
    const windows = ["lung", "bone", "min-max"] as const;
    expect(images(await parts([], [file("image", ct)], { windows }))).toEqual(
      [presets8.lung, presets8.bone, minmax8].map(({ sha256 }) => sha256),
    );
  });

  test("in colour is one picture, whatever windows are asked for", async () => {
    const windows = ["lung", "bone"] as const;
    expect(await parts([], [file("image", `${samples}/dicom/SC_rgb_rle.dcm`)], { windows })).toHaveLength(1);
  });

  test("of several frames is a clip, or one of its frames", async () => {
    const cine = `${samples}/dicom/SC_rgb_rle_16bit_2frame.dcm`;
    const [clip] = await parts([], [file("video", cine)]);
    const frames = await framesOf(clip as Video);
    expect(frames).toHaveLength(2);
    told.length = 0;
    const [second] = await parts([], [file("image", cine)], { frame: 1 });
    expect((second as any).image).toEqual(frames[1]);
    expect(told).toEqual([`${cine}: it has 2 frames, of which number 1 is shown`]);
  });

  test("says to the model what it is asked for, and nothing else", async () => {
    const [first, picture] = await parts([], [file("image", ct)], { tags: ["Modality", "PatientSex"] });
    expect(first).toEqual({ type: "text", text: "Modality: CT; PatientSex: O" });
    expect(picture!.type).toBe("image");
    const series = await parts([], [file("volume", `${samples}/nasty/series_mixed`)], { tags: ["Modality"] });
    expect(series.map((part) => part.type)).toEqual(["text", "volume"]);
    expect(series[0]).toEqual({ type: "text", text: "Modality: CT" });
    // A picture of another kind says nothing.
    expect(await parts([], [file("image", gif)], { tags: ["Modality"] })).toHaveLength(1);
  });

  test("is no other kind of input", async () => {
    const wrong = [
      ["image", scan, "is a volume; give it with --volume"],
      ["image", `${samples}/video/us_cine_mjpeg.avi`, "is a video; give it with --video"],
      ["volume", gif, "is a picture; give it with --image"],
      ["volume", `${samples}/video/us_cine_mjpeg.avi`, "is a video; give it with --video"],
      ["video", scan, "is a volume; give it with --volume"],
      ["video", `${samples}/3d/ct_series_tiny`, "is a volume; give it with --volume"],
      ["video", `${samples}/nasty/thin.png`, "is a picture; give it with --image"],
      ["video", ct, "is one picture; give it with --image"],
    ] as const;
    for (const [kind, path, message] of wrong)
      await expect(parts([], [file(kind, path)])).rejects.toMatchObject({
        name: "UsageError",
        message: expect.stringContaining(`${path} ${message}`),
      });
  });
});

describe("a message that was written wrongly", () => {
  test.each([
    [{ type: "audio", text: "hi" }, 'a part of type "audio"; it must be one of text, image, video, volume'],
    [{ text: "hi" }, "a part of type undefined; it must be one of text, image, video, volume"],
    [{ type: "Text", text: "hi" }, 'a part of type "Text"'],
  ])("part %j", async (part, message) => {
    await expect(parts(user(part), [])).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining(message),
    });
  });

  test("role", async () => {
    for (const role of ["system", "user", "assistant"])
      expect(await conversation([{ role, content: "hi" }], undefined, [], none)).toEqual([{ role, content: "hi" }]);
    for (const role of ["tool", "User", undefined])
      await expect(conversation([{ role, content: "hi" }], undefined, [], none)).rejects.toMatchObject({
        name: "UsageError",
        message: expect.stringContaining("it must be one of system, user, assistant"),
      });
  });
});

test("a file that cannot be read is named, with the reason in words", async () => {
  const folder = join(scratch, "folder");
  await mkdir(folder);
  const reasons = [
    ["image", folder, "it is a folder"],
    ["image", join(folder, "no.png"), "there is no such file"],
    ["video", join(folder, "no.gif"), "there is no such file"],
    ["image", join(gif, "x.png"), "a part of the path is not a folder"],
  ] as const;
  for (const [kind, path, reason] of reasons)
    await expect(parts([], [file(kind, path)])).rejects.toMatchObject({
      name: "UsageError",
      message: `${path} cannot be read: ${reason}`,
    });
});
