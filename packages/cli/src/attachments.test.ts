import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Part } from "@hulu/engine";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Attachment, type AttachmentOptions, conversation } from "./attachments.js";

const gif = "test/data/samples/nasty/animated.gif"; // 4 frames
const scan = "test/data/goldens/q3-p16/volume.nii.gz";
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "hulu-attach-"));
});
afterAll(() => rm(scratch, { recursive: true }));

const none: AttachmentOptions = {
  axis: undefined,
  slices: undefined,
  sliceRule: undefined,
  volumeIndex: undefined,
  window: undefined,
  fps: undefined,
  maxFrames: undefined,
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
type Video = Extract<Part, { readonly type: "video"; readonly video?: undefined }>;
const video = async (options: Partial<AttachmentOptions>, part?: object): Promise<Video> => {
  const [found] = await parts(part === undefined ? [] : user(part), [file("video", gif)], options);
  expect(found!.type).toBe("video");
  return found as Video;
};

describe("an animated GIF", () => {
  test("is all its frames, without times", async () => {
    const { frames, timestamps } = await video({});
    expect(frames).toHaveLength(4);
    expect(frames[0]).toMatchObject({ width: 257, height: 193 });
    expect(timestamps).toBeUndefined();
  });

  test("is sampled by --fps, at the 25 frames a second that a GIF has", async () => {
    const all = (await video({})).frames;
    const sampled = await video({ fps: 12 });
    expect(sampled.timestamps).toEqual([1 / 25, 3 / 25]);
    expect(sampled.frames).toEqual([all[1], all[3]]);
  });

  test("has as many frames as the message says, but as --max-frames says where it is given", async () => {
    const all = (await video({})).frames;
    expect((await video({}, { type: "video", num_frames: 2 })).frames).toEqual([all[0], all[3]]);
    expect((await video({ maxFrames: 3 }, { type: "video", num_frames: 2 })).frames).toEqual([all[0], all[1], all[3]]);
    expect((await video({ maxFrames: 1 })).frames).toEqual([all[0]]);
  });

  test("keeps the times of its message", async () => {
    const told = [0.5, 7];
    const part = { type: "video", num_frames: 2, timestamps: told };
    expect((await video({}, part)).timestamps).toEqual(told);
    expect((await video({ fps: 25 }, part)).timestamps).toEqual(told);
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
  test("is given with what was asked of it", async () => {
    const asked = {
      axis: "coronal",
      slices: 5,
      sliceRule: "hf",
      volumeIndex: 0,
      window: { center: -600, width: 1500 },
    } as const;
    const [volume] = await parts([], [file("volume", scan)], asked);
    const { axis, volumeIndex, window } = asked;
    expect(volume).toMatchObject({ type: "volume", axis, rule: "hf", numSlices: 5, volumeIndex, window });
    const [plain] = await parts([], [file("volume", scan)]);
    expect(Object.keys(plain!)).toEqual(["type", "volume"]);
  });

  test.each(["video", "volume"])("has as many slices as a part of type %s says, or as --slices says", async (type) => {
    const place = user({ type, num_frames: 6 });
    expect((await parts(place, [file("volume", scan)]))[0]).toMatchObject({ type: "volume", numSlices: 6 });
    expect((await parts(place, [file("volume", scan)], { slices: 5 }))[0]).toMatchObject({ numSlices: 5 });
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
    ["volume", folder, "it is a folder"],
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
