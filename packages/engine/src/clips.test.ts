import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reference } from "@hulu/backend-reference";
import { type FrameSource, type RgbImage, readNifti, volumeFrames, volumeSource } from "@hulu/processor";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AskOptions, type LocalModel, load, type Message, type Part } from "./index.js";

const folder = "test/data/goldens/q3-p16";
const nifti = "test/data/goldens/nifti/int16.nii.gz";
let model: LocalModel;
let temporary: string;
beforeAll(async () => {
  model = await load(folder, { backend: reference, worker: false });
  temporary = await mkdtemp(join(tmpdir(), "hulu-clips-"));
});
afterAll(async () => {
  await model.dispose();
  await rm(temporary, { recursive: true });
});

const frame = (seed: number, width = 48, height = 48): RgbImage => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + (i > 3000 ? seed * 90 : 0)) % 256),
  width,
  height,
});
const seeds = [0, 0, 1, 1, 2];

/** How often the frames were asked for since the last test. */
let readings = 0;
beforeEach(() => {
  readings = 0;
});
/** A clip that gives all its frames in one buffer: whoever holds one of them holds the next. */
function clip(of: readonly number[] = seeds, more: Partial<FrameSource> = {}): FrameSource {
  return {
    ...{ kind: "video", count: of.length, width: 48, height: 48 },
    async *frames() {
      readings++;
      const shared = frame(0);
      for (const seed of of) {
        shared.data.set(frame(seed).data);
        yield shared;
        shared.data.fill(0);
      }
    },
    ...more,
  };
}
const asked = (...parts: Part[]): Message => ({ role: "user", content: [...parts, { type: "text", text: "What?" }] });
const short: AskOptions = { maxTokens: 3, prune: "pixel" };
const answer = async (...parts: Part[]) => {
  const { tokenIds, promptTokens, visualTokens } = await model.ask([asked(...parts)], short).result();
  return { tokenIds, promptTokens, visualTokens };
};
const failure = (...parts: Part[]) => answer(...parts).catch((error: unknown) => error);

describe("a source of frames", () => {
  test("says what the list of its frames would, and is read once for one question", async () => {
    const listed = await answer({ type: "video", frames: seeds.map((s) => frame(s)) });
    expect(await answer({ type: "video", video: clip() })).toEqual(listed);
    expect(readings).toBe(1);
    expect(listed.visualTokens.kept).toBeLessThan(listed.visualTokens.all);
    expect(await answer({ type: "video", video: clip([0, 1, 2, 3, 4]) })).not.toEqual(listed);
  });

  test("tells its times, unless the part has others", async () => {
    const timestamps = [0, 0.5, 1, 1.5, 2];
    const frames = seeds.map((s) => frame(s));
    const listed = await answer({ type: "video", frames, timestamps });
    expect(await answer({ type: "video", video: clip(seeds, { timestamps }) })).toEqual(listed);
    const others = [5, 6, 7, 8, 9];
    expect(await answer({ type: "video", video: clip(seeds, { timestamps }), timestamps: others })).toEqual(
      await answer({ type: "video", frames, timestamps: others }),
    );
    // A volume's slices have none.
    expect(await answer({ type: "volume", volume: clip(seeds, { timestamps }) })).toEqual(
      await answer({ type: "video", frames }),
    );
  });

  test("is known in a conversation by its frames, which are decoded again rather than held", async () => {
    await using talk = model.converse();
    const first = await talk.ask(asked({ type: "video", video: clip() }), short).result();
    expect(readings).toBe(2);
    await talk.ask("And?", short).result();
    expect(readings).toBe(2);
    // Another source of the same frames is the same clip.
    await talk.truncate(0);
    const again = await talk.ask(asked({ type: "video", video: clip() }), short).result();
    expect(again.reusedTokens).toBe(first.promptTokens - 1);
    expect(readings).toBe(3);
    // Merged otherwise, it is read again.
    await talk.truncate(1);
    const merged = await talk.ask([], { ...short, merge: 1 }).result();
    expect(readings).toBe(4);
    const { tokenIds } = await model.ask([asked({ type: "video", video: clip() })], { ...short, merge: 1 }).result();
    expect(merged.tokenIds).toEqual(tokenIds);
  });

  test("that gives other frames the second time is found out", async () => {
    await using talk = model.converse();
    const now = [...seeds];
    const question = asked({ type: "video", video: clip(now) });
    await talk.ask(question, short).result();
    now[4] = 3;
    await expect(talk.ask("And?", { ...short, merge: 1 }).result()).rejects.toMatchObject({ code: "content-changed" });
    // Or at once, between its hash and its encoding.
    const fickle = clip(now, {
      async *frames() {
        for (const seed of now) yield frame(seed + readings);
        readings++;
      },
    });
    await using other = model.converse();
    await expect(other.ask(asked({ type: "video", video: fickle }), short).result()).rejects.toMatchObject({
      code: "content-changed",
    });
  });

  test("is held to what it says", async () => {
    const says = (more: Partial<FrameSource>) => failure({ type: "video", video: clip(seeds, more) });
    expect(await says({ count: 4 })).toMatchObject({
      code: "content-invalid",
      message: expect.stringContaining("more"),
    });
    expect(await says({ count: 6 })).toMatchObject({ message: expect.stringContaining("gives 5") });
    expect(await says({ width: 47 })).toMatchObject({ message: expect.stringContaining("its first has 48 x 48") });
    const grey = { data: new Uint8Array(48 * 48), width: 48, height: 48 };
    expect(
      await failure({
        type: "video",
        video: clip([0], {
          frames: async function* () {
            yield grey;
          },
        }),
      }),
    ).toMatchObject({ code: "image-shape" });
    for (const more of [{ count: 0 }, { width: 1.5 }, { timestamps: [0] }, { frames: 3 }])
      expect(await says(more as never)).toMatchObject({ code: "content-invalid" });
    expect(await failure({ type: "video", video: clip(), timestamps: [1] })).toMatchObject({ code: "content-invalid" });
  });

  test("fails with what its frames fail with, and is let go when the answer is aborted", async () => {
    const broken = clip(seeds, {
      async *frames() {
        yield frame(0);
        throw new RangeError("the file is cut off");
      },
    });
    expect(await failure({ type: "video", video: broken })).toEqual(new RangeError("the file is cut off"));
    const control = new AbortController();
    let ended = false;
    const endless = clip(Array(30).fill(0), {
      async *frames({ signal } = {}) {
        try {
          for (;;) {
            yield frame(0);
            control.abort(new Error("enough"));
            expect(signal?.aborted).toBe(true);
          }
        } finally {
          ended = true;
        }
      },
    });
    const stopped = model.ask([asked({ type: "video", video: endless })], { ...short, signal: control.signal });
    await expect(stopped.result()).rejects.toThrow("enough");
    expect(ended).toBe(true);
  });
});

describe("a volume", () => {
  test("is the same as a path, bytes, a Blob, read already, in memory, and as its slices", async () => {
    const bytes = new Uint8Array(await readFile(nifti));
    const read = await readNifti(bytes);
    const options = { axis: "coronal", numSlices: 4, rule: "hf" } as const;
    const expected = await answer({ type: "video", frames: volumeFrames(read, options) });
    const [x, y, z] = read.shape;
    const typed = { data: Float64Array.from(read.values()), dims: [x, y, z] as const };
    for (const volume of [nifti, bytes, new Blob([bytes]), read, typed])
      expect(await answer({ type: "volume", volume, ...options })).toEqual(expected);
    expect(await answer({ type: "volume", volume: volumeSource(read, options) })).toEqual(expected);
  });

  test("that is a file is known by its bytes and by how it is read", async () => {
    const path = join(temporary, "volume.nii.gz");
    const bytes = new Uint8Array(await readFile(nifti));
    await writeFile(path, bytes);
    await using talk = model.converse();
    const ask = async (part: Omit<Part & { type: "volume" }, "type">) => {
      await talk.truncate(0);
      const { reusedTokens, promptTokens } = await talk.ask(asked({ type: "volume", ...part }), short).result();
      return reusedTokens === promptTokens - 1;
    };
    expect(await ask({ volume: path, numSlices: 3 })).toBe(false);
    expect(await ask({ volume: bytes, numSlices: 3 })).toBe(true);
    expect(await ask({ numSlices: 3, volume: new Blob([bytes]) })).toBe(true);
    expect(await ask({ volume: path, numSlices: 3, axis: "sagittal" })).toBe(false);

    await ask({ volume: path, numSlices: 3 });
    await writeFile(path, await readFile("test/data/goldens/nifti/float32.nii"));
    await expect(talk.ask("And?", { ...short, merge: 1 }).result()).rejects.toMatchObject({ code: "content-changed" });
  });

  test("that is no file is refused by name", async () => {
    const error = await failure({ type: "volume", volume: join(temporary, "nobody") });
    expect(error).toMatchObject({ name: "ProcessorError", code: "input-file" });
    expect(String(error)).not.toContain("nobody");
    expect(await failure({ type: "volume", volume: "/dev/null" })).toMatchObject({ code: "input-file" });
  });
});

test("a list of pictures is decoded one by one", async () => {
  const png = new Uint8Array(await readFile("test/data/samples/resize/microaneurysms_bicubic_45x53.png"));
  const listed = await answer({ type: "video", frames: [png, new Blob([png]), png] });
  expect(listed.visualTokens.all).toBeGreaterThan(0);
  expect(await failure({ type: "video", frames: [png, new Uint8Array(9)] })).toMatchObject({ code: "input-format" });
});
