import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "@hulu/safetensors";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hulu } from "../test/run.js";
import { main } from "./main.js";

const model = "test/data/goldens/q3-p16";
const END = 502;
let scratch: string;
let picture: string;

async function published(name: string): Promise<number[]> {
  const ids = [...(await (await open(`${model}/case-${name}.safetensors`)).floats("out.generated"))];
  return ids.includes(END) ? ids.slice(0, ids.indexOf(END) + 1) : ids;
}
const conversationOf = async (name: string) =>
  JSON.parse(await readFile(`${model}/case-${name}.json`, "utf8")).conversation;

async function savePng(key: string, name: string, file: string): Promise<void> {
  const source = await open(`${model}/case-${name}.safetensors`);
  const [height = 0, width = 0] = source.info(key)!.shape.slice(-3);
  const bytes = await source.read(key);
  const frame = Number(/(\d+)\.png$/.exec(file)?.[1] ?? 0);
  const size = height * width * 3;
  const part = bytes.length > size ? bytes.subarray(frame * size, (frame + 1) * size) : bytes;
  await sharp(part, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "hulu-ask-"));
  picture = join(scratch, "picture.png");
  await savePng("raw.image0", "image-array", picture);
});
afterAll(() => rm(scratch, { recursive: true }));

const ask = (...args: string[]) => hulu(["ask", "--model", model, "--max-tokens", "12", ...args]);
const json = async (...args: string[]) => {
  const ran = await ask("--json", ...args);
  expect(ran.notes).toBe("");
  expect(ran.code).toBe(0);
  expect(ran.out.trimEnd()).not.toContain("\n");
  return JSON.parse(ran.out) as {
    text: string;
    tokenIds: number[];
    promptTokens: number;
    timings: Record<string, number>;
  };
};

describe("hulu ask", () => {
  test.each(["onnx", "reference"])(
    "answers a text, a picture and a volume with the published tokens (%s)",
    async (backend) => {
      const text = (await conversationOf("text")) as { role: string; content: unknown }[];
      const file = join(scratch, "text.json");
      await writeFile(file, JSON.stringify(text));
      expect((await json("--backend", backend, "--messages", file)).tokenIds).toEqual(await published("text"));

      const question = (await conversationOf("image-array"))[0].content.find(
        (p: { type: string }) => p.type === "text",
      ).text;
      expect((await json("--backend", backend, "--image", picture, question)).tokenIds).toEqual(
        await published("image-array"),
      );
      const quirk = await json("--backend", backend, "--image", picture, "--aspect", "transposed", question);
      expect(quirk.tokenIds).toEqual(await published("image"));

      const volume = [
        "--volume",
        `${model}/volume.nii.gz`,
        "--slice-rule",
        "repository",
        "--slices",
        "8",
        "--aspect",
        "transposed",
      ];
      const report = (await conversationOf("volume"))[0].content[1].text;
      expect((await json("--backend", backend, ...volume, report)).tokenIds).toEqual(await published("volume"));
      expect((await json("--backend", backend, ...volume, "--pruning", "pixel", report)).tokenIds).toEqual(
        await published("volume@pixel"),
      );
    },
  );

  test("fills the places of --messages with the files, in order", async () => {
    const messages = join(scratch, "volume.json");
    await writeFile(messages, JSON.stringify(await conversationOf("volume")));
    // The part says how many slices.
    const { tokenIds } = await json(
      "--messages",
      messages,
      "--volume",
      `${model}/volume.nii.gz`,
      "--slice-rule",
      "repository",
      "--aspect",
      "transposed",
    );
    expect(tokenIds).toEqual(await published("volume"));
  });

  test("takes a folder of frames as a video", async () => {
    const frames = join(scratch, "frames");
    await mkdir(frames);
    for (let i = 0; i < 5; i++) await savePng("raw.frames", "video", join(frames, `frame-${i}.png`));
    const messages = join(scratch, "video.json");
    await writeFile(
      messages,
      await readFile(`${model}/case-video.json`, "utf8").then((t) => /"conversation": (\[[\s\S]*?\n \])/.exec(t)![1]!),
    );
    const ran = await json("--messages", messages, "--video", frames);
    expect(ran.tokenIds).toEqual(await published("video"));
  });

  test("prints only the answer to stdout, and the rest to stderr", async () => {
    const said = await json("Hello");
    const ran = await ask("Hello");
    expect(ran.out).toBe(`${said.text}\n`);
    expect(ran.notes).toMatch(
      /^\[\d+ prompt tokens; \d+ generated, ended by (?:length|token); prefill [\d.]+ s, decode [\d.]+ s\]\n$/,
    );
    expect(Object.keys(said)).toEqual(["text", "tokenIds", "promptTokens", "timings"]);
    expect(said.promptTokens).toBeGreaterThan(5);
  });

  test("samples by its seed", async () => {
    const sampled = async (seed: string) => (await json("--temperature", "3", "--seed", seed, "Hello")).tokenIds;
    expect(await sampled("1")).toEqual(await sampled("1"));
    expect(await sampled("1")).not.toEqual(await sampled("2"));
  });
});

describe("what is asked of an answer", () => {
  const scan = ["--volume", `${model}/volume.nii.gz`];
  const notes = async (...args: string[]) => (await ask(...scan, ...args, "hi")).notes;

  test("--min-tokens is how many tokens pruning leaves of a frame", async () => {
    const pruned = ["--slices", "8", "--pruning", "pixel", "--threshold", "1000"];
    const frame = Number(/(\d+) of/.exec(await notes("--slices", "1", "--pruning", "off"))?.[1]);
    expect(frame).toBeGreaterThan(2);
    for (const least of [0, 1, 2])
      expect(await notes(...pruned, "--min-tokens", String(least))).toContain(
        `, ${frame + 7 * least} of ${8 * frame} visual tokens kept`,
      );
    expect(await notes(...pruned)).toContain(`, ${frame + 7} of`);
    // It is enough by itself: the rule is then the released one.
    expect(await notes("--slices", "8", "--min-tokens", "1000")).toContain(`${8 * frame} of ${8 * frame}`);
  });

  test("--window changes the slices", async () => {
    const kept = async (...args: string[]) => /\d+ of/.exec(await notes("--slices", "8", ...args))![0];
    // Below the window all is black, frame after frame, and pruning leaves a token of each.
    expect(await kept("--window", "1e9,1")).toBe("8 of");
    expect(await kept("--slice-rule", "hf", "--window=1e9,1")).toBe("8 of");
    expect(await kept("--window", "-1e9,4e9")).not.toBe("8 of");
  });

  test("--repetition-penalty keeps the answer from saying a token twice", async () => {
    const said = async (...args: string[]) =>
      (await json(...args, "Hello, I have a headache, what should I do?")).tokenIds;
    const plain = await said();
    expect(new Set(plain).size).toBeLessThan(plain.length);
    const varied = await said("--repetition-penalty", "1e6");
    expect(new Set(varied).size).toBe(varied.length);
    expect(await said("--repetition-penalty", "1")).toEqual(plain);
  });

  test("--stop ends it before any of the texts", async () => {
    const said = async (...args: string[]) =>
      (await json(...args, "--", "Hello, I have a headache, what should I do?")).text;
    const whole = await said();
    const at = whole.length >> 1;
    const stop = whole.slice(at, at + 2);
    const cut = whole.slice(0, whole.indexOf(stop));
    expect(await said("--stop", stop)).toBe(cut);
    expect(await said("--stop", "no such text", "--stop", stop)).toBe(cut);
    expect(await said("--stop", "no such text")).toBe(whole);
  });

  test("DICOM files, series and clips are taken, and what is odd is told on stderr", async () => {
    const samples = "test/data/samples";
    const asked = async (...args: string[]) => {
      const ran = await ask(...args, "--pruning", "off", "hi");
      expect([ran.code, ran.notes]).toEqual([0, expect.stringContaining("visual tokens kept")]);
      return { tokens: Number(/(\d+) of/.exec(ran.notes)?.[1]), notes: ran.notes };
    };
    const ct = `${samples}/nasty/window_multi.dcm`;
    const one = await asked("--image", ct);
    expect((await asked("--image", ct, "--window", "lung", "--window", "bone")).tokens).toBe(2 * one.tokens);
    const gap = await asked("--volume", `${samples}/nasty/series_gap`);
    expect(gap.notes).toMatch(/^test\/data\/samples\/nasty\/series_gap: .* \(series-gap\)\n\[/);
    expect((await asked("--volume", `${samples}/3d/ct_series_tiny`, "--slices", "1")).tokens).toBe(gap.tokens / 3);
    const clip = ["--video", `${samples}/video/us_cine_mjpeg.avi`];
    expect((await asked(...clip, "--max-frames", "2")).tokens).toBe(
      2 * (await asked(...clip, "--max-frames", "1")).tokens,
    );
  });

  test("--prompt-tags tells the model what a DICOM file says", async () => {
    const ct = ["--image", "test/data/samples/dicom/CT_small.dcm", "hi"];
    const length = async (...args: string[]) => (await json(...args, ...ct)).promptTokens;
    expect(await length("--prompt-tags", "Modality")).toBeGreaterThan(await length());
  });

  test("a GIF is a video, as many frames as asked", async () => {
    const gif = ["--video", "test/data/samples/nasty/animated.gif", "--pruning", "off"];
    const tokens = async (...args: string[]) => Number(/(\d+) of/.exec((await ask(...gif, ...args, "hi")).notes)?.[1]);
    const one = await tokens("--max-frames", "1");
    expect(one).toBeGreaterThan(0);
    expect(await tokens()).toBe(4 * one);
    expect(await tokens("--fps", "12")).toBe(2 * one);
  });
});

describe("the range of an option", () => {
  const ranges: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["max-tokens", ["1", "2"], ["0", "-1", "1.5"]],
    ["temperature", ["0", "0.01", "1"], ["-0.01"]],
    ["top-k", ["1", "2"], ["0", "1.5"]],
    ["top-p", ["0.01", "0.99", "1"], ["0", "-0.01", "1.01"]],
    ["repetition-penalty", ["0.01", "1", "2"], ["0", "-1"]],
    ["seed", ["-1", "0", "1"], ["0.5", "1e300"]],
    ["threshold", ["0", "0.1"], ["-0.1"]],
    ["min-tokens", ["0", "1"], ["-1", "0.5"]],
    ["merge", ["1", "2"], ["0"]],
    ["slices", ["1", "2"], ["0"]],
    ["volume-index", ["0", "1"], ["-1"]],
    ["fps", ["0.01", "1"], ["0", "-1"]],
    ["max-frames", ["1", "2"], ["0"]],
    [
      "window",
      ["0,1", "-600,1500", "0,0.01", "1e3, 2", "lung", "soft-tissue", "soft", "mediastinum", "min-max", "file"],
      ["0,0", "0,-1", "1", "1,2,3", ",1", "1,", "a,1", "Infinity,1", "1,Infinity", "Lung", "toString", ""],
    ],
    ["view", ["upstream", "radiological", "stored"], ["natural"]],
    ["reorient", ["RAS"], ["LPS"]],
    ["series", ["0", "1"], ["-1"]],
    ["frame", ["0", "1"], ["-1"]],
    ["start", ["0", "0.5"], ["-1"]],
    ["end", ["0.5", "1"], ["0", "-1"]],
    ["axis", ["axial", "coronal", "sagittal"], ["2"]],
    ["slice-rule", ["hf", "repository"], ["HF"]],
    ["aspect", ["true", "transposed"], ["false"]],
    ["thinking", ["inline", "hidden", "apart"], ["off"]],
  ];
  // The checkpoint comes last: where it is missed, the option was taken.
  const call = (name: string, value: string) => hulu(["ask", "--model", "nowhere", `--${name}`, value, "hi"]);
  test.each(ranges)("--%s", async (name, right, wrong) => {
    for (const value of right) {
      const { code, notes } = await call(name, value);
      expect([value, code, notes]).toEqual([value, 1, expect.stringContaining("EngineError (file-missing)")]);
    }
    for (const value of wrong) {
      const { code, notes } = await call(name, value);
      expect([code, notes]).toEqual([2, expect.stringContaining(`--${name} is "${value}"; it must be `)]);
    }
  });

  test("--window has no meaning with the repository's rule", async () => {
    const scan = ["--volume", `${model}/volume.nii.gz`, "--window", "1,2", "--slice-rule", "repository"];
    const { code, notes } = await hulu(["ask", "--model", "nowhere", ...scan, "hi"]);
    expect([code, notes]).toEqual([2, expect.stringContaining("--window goes with the slice rule hf")]);
  });

  test("--window and --prompt-tags name the nearest", async () => {
    const wrong = async (...args: string[]) => (await hulu(["ask", "--model", "nowhere", ...args, "hi"])).notes;
    expect(await wrong("--window", "lungs")).toMatch(/one of lung, bone, .*soft-tissue.*; did you mean lung\?\n$/);
    expect(await wrong("--prompt-tags", "Modality,PatientName")).toMatch(
      /--prompt-tags has "PatientName"; it must be of Modality, BodyPartExamined, /,
    );
    expect(await wrong("--prompt-tags", "modality")).toMatch(/; did you mean Modality\?\n$/);
  });
});

describe("a wrong call of hulu ask", () => {
  const wrong: readonly (readonly [string[], number, string])[] = [
    [[], 2, "ask needs --model SOURCE"],
    [["--model", model, "one", "two"], 2, "one text is asked, not 2"],
    [["--model", model, "--imge", "x", "hi"], 2, "did you mean --image?"],
    [["--model", model, "--backend", "cuda", "hi"], 2, "it must be one of onnx, reference, tfjs, webgpu"],
    [["--model", model, "--pruning", "all", "hi"], 2, "released, pixel, pixel255, embedding, off"],
    [["--model", model, "--image", "nowhere.png", "hi"], 2, "nowhere.png cannot be read: there is no such file"],
    [["--model", model, "--messages", "nowhere.json"], 2, "there is no such file"],
    [
      ["--model", model, "--messages", "package.json"],
      1,
      "ProcessorError (chat-conversation): the conversation must be a list of messages",
    ],
    [["--model", model, "--messages", "LICENSE"], 2, "LICENSE is not JSON"],
    [["--model", model, "--image", "package.json", "hi"], 1, "ProcessorError (input-format)"],
    [["--model", model, "--volume", "package.json", "hi"], 1, "ProcessorError (input-format)"],
    [["--model", model, "--video", ".changeset", "hi"], 1, "ProcessorError (input-format)"],
    [
      ["--model", model, "--volume", "test/data/samples/3d/example4d.nii.gz", "hi"],
      1,
      "ProcessorError (nifti-volume-index)",
    ],
    [["--model", "nowhere", ""], 1, "EngineError (prompt-empty)"],
    [["--model", "nowhere"], 1, "EngineError (prompt-empty)"],
    [["--model", model, "--image", "packages", "hi"], 2, "packages cannot be read: it is a folder"],
    [["--model", model, "--messages", "packages"], 2, "packages cannot be read: it is a folder"],
    [["-m", model, "hi"], 2, "there is no option -m; did you mean --model?"],
    [["--model", model, ""], 1, "EngineError (prompt-empty)"],
    [["--model", model], 1, "EngineError (prompt-empty)"],
    [["--model", "packages", "hi"], 1, "EngineError (file-missing): the checkpoint has no config.json"],
    [["--model", "nowhere", "hi"], 1, "EngineError (file-missing)"],
  ];
  test.each(wrong)("%j", async (args, code, message) => {
    const ran = await hulu(["ask", ...args]);
    expect(ran.notes).toContain(message);
    expect(ran.notes.startsWith("hulu: ")).toBe(true);
    expect(ran.code).toBe(code);
    expect(ran.out).toBe("");
  });

  test("messages whose places no file fills, and a file that has no place", async () => {
    const messages = join(scratch, "places.json");
    await writeFile(
      messages,
      JSON.stringify([{ role: "user", content: [{ type: "image" }, { type: "text", text: "?" }] }]),
    );
    expect((await ask("--messages", messages)).notes).toContain("no file is left for it; give --image FILE");
    expect((await ask("--messages", messages, "--image", picture, "--image", picture)).notes).toContain("has no place");
  });

  test("an interrupted one ends with 130", async () => {
    const ran = await hulu(["ask", "--model", model, "hi"], AbortSignal.abort());
    expect([ran.code, ran.notes]).toEqual([130, "hulu: interrupted\n"]);
  });

  test("for a person, what failed is written over the line that told of progress", async () => {
    const notes: string[] = [];
    const io = { out: () => {}, note: (text: string) => void notes.push(text), interactive: true };
    expect(await main(["ask"], { ...io, signal: new AbortController().signal })).toBe(2);
    expect(notes).toEqual(["\r\x1b[K", expect.stringMatching(/^hulu: UsageError: /)]);
  });
});

describe("hulu", () => {
  test("says what it can do", async () => {
    const ran = await hulu([]);
    expect(ran.code).toBe(2);
    expect(ran.out).toContain("ask");
    expect((await hulu(["--help"])).code).toBe(0);
    expect((await hulu(["ask", "--help"])).out).toContain("not for clinical use");
    expect((await hulu(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await hulu(["aks"])).notes).toContain("did you mean ask?");
  });

  test("inspects a checkpoint", async () => {
    const { out, code } = await hulu(["inspect", "--model", model, "--params"]);
    expect(code).toBe(0);
    expect(out).toContain("447,960 in 91 tensors");
    expect(out).toMatch(/model\.layers\.2\.mlp\.down_proj\.weight\s+F32\s+\[64 112\] {2}embed hidden/);
    const { config, layout, parameters } = JSON.parse((await hulu(["inspect", "--model", model, "--json"])).out);
    expect([layout, config.decoder.family, parameters.length]).toEqual(["transformers", "qwen3", 91]);
    expect((await hulu(["inspect", "--model", model, "--graph", "embed"])).out).toMatch(
      /^embed\(ids: i32\[batch seq\]\) \{/,
    );
    expect((await hulu(["inspect", "--model", model, "--graph", "walk"])).notes).toContain("there are encodeVision");
  });
});
