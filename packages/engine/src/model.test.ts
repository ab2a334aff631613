import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { reference } from "@hulu/backend-reference";
import { type Patches, removeThinking, type SliceOptions } from "@hulu/processor";
import { open } from "@hulu/safetensors";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AskOptions, type LocalModel, load, type Message, openModel, type Part, type Piece } from "./index.js";

const folder = "test/data/goldens/q3-p16";
const END = 502;

const conversationOf = (name: string): { role: "user"; content: Part[] }[] =>
  JSON.parse(readFileSync(`${folder}/case-${name}.json`, "utf8")).conversation;

async function published(name: string): Promise<number[]> {
  const ids = [...(await (await open(`${folder}/case-${name}.safetensors`)).floats("out.generated"))];
  return ids.includes(END) ? ids.slice(0, ids.indexOf(END) + 1) : ids;
}

async function pictures(name: string, key: string) {
  const source = await open(`${folder}/case-${name}.safetensors`);
  const shape = source.info(key)!.shape;
  const [height = 0, width = 0] = shape.slice(-3);
  const bytes = await source.read(key);
  const size = height * width * 3;
  return Array.from({ length: bytes.length / size }, (_, i) => ({
    data: bytes.slice(i * size, (i + 1) * size),
    width,
    height,
  }));
}

/** The conversation of a case with its placeholders filled, in order. */
function filled(name: string, visuals: readonly Part[]): Message[] {
  const waiting = [...visuals];
  return conversationOf(name).map(({ role, content }) => ({
    role,
    content: typeof content === "string" ? content : content.map((p) => (p.type === "text" ? p : waiting.shift()!)),
  }));
}

let model: LocalModel;
beforeAll(async () => {
  model = await load(folder, { backend: reference, worker: false });
});
afterAll(() => model.dispose());

describe("the tokens of the published code", () => {
  test("a text", async () => {
    const result = await model.ask(filled("text", []), { maxTokens: 12 }).result();
    expect(result.tokenIds).toEqual(await published("text"));
    expect(result.promptTokens).toBe(48);
    expect(result.visualTokens).toEqual({ all: 0, kept: 0 });
  });

  test("a picture, with the right aspect and with the released code's", async () => {
    const [image] = await pictures("image-array", "raw.image0");
    const messages = filled("image-array", [{ type: "image", image: image! }]);
    expect((await model.ask(messages, { maxTokens: 12 }).result()).tokenIds).toEqual(await published("image-array"));
    const quirk = await model.ask(messages, { maxTokens: 12, aspect: "transposed" }).result();
    expect(quirk.tokenIds).toEqual(await published("image"));
  });

  test("two pictures in one question", async () => {
    const parts = await Promise.all(
      ["raw.image0", "raw.image1"].map(async (key) => (await pictures("two-images", key))[0]!),
    );
    const messages = filled(
      "two-images",
      parts.map((image) => ({ type: "image", image })),
    );
    const results = await Promise.all(
      (["true", "transposed"] as const).map((aspect) => model.ask(messages, { maxTokens: 12, aspect }).result()),
    );
    expect(results.map((r) => r.tokenIds)).toContainEqual(await published("two-images"));
  });

  test("a volume", async () => {
    const volume = await readFile(`${folder}/volume.nii.gz`);
    const messages = filled("volume", [{ type: "volume", volume, rule: "repository", numSlices: 8 }]);
    const result = await model.ask(messages, { maxTokens: 12, aspect: "transposed" }).result();
    expect(result.tokenIds).toEqual(await published("volume"));
    expect(result.visualTokens).toEqual({ all: 72, kept: 30 });
    const whole = await model.ask(messages, { maxTokens: 12, aspect: "transposed", prune: "off" }).result();
    expect(whole.tokenIds).toEqual(await published("volume@off"));
    expect(whole.visualTokens).toEqual({ all: 72, kept: 72 });
  });

  test("frames with timestamps, under each pruning rule", async () => {
    const frames = await pictures("video", "raw.frames");
    const { timestamps } = conversationOf("video")[0]!.content[0] as { timestamps?: number[] };
    const messages = filled("video", [{ type: "video", frames, ...(timestamps && { timestamps }) }]);
    for (const rule of ["released", "pixel", "pixel255", "off"] as const) {
      const result = await model.ask(messages, { maxTokens: 12, prune: rule }).result();
      expect(result.tokenIds, rule).toEqual(await published(rule === "released" ? "video" : `video@${rule}`));
    }
  });
});

/** Options that make the model say these ids, whatever it thinks. */
function saying(ids: readonly number[]): AskOptions {
  let n = 0;
  const processLogits = (logits: Float32Array) => {
    logits.fill(Number.NEGATIVE_INFINITY);
    logits[ids[n++] ?? END] = 0;
  };
  return { processLogits, maxTokens: ids.length + 1 };
}
const say = (text: string) => saying(model.tokenizer.encode(text, { allowSpecial: true }));

async function piecesOf(options: AskOptions): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of model.ask("?", options).pieces()) pieces.push(piece);
  return pieces;
}
const textOf = (pieces: readonly Piece[], kind: Piece["kind"]) =>
  pieces
    .filter((p) => p.kind === kind)
    .map((p) => p.text)
    .join("");

describe("the answer as it arrives", () => {
  test("is whole characters, which join to the text", async () => {
    const said = "Grüße: 肺炎 🫁 né";
    const pieces: string[] = [];
    for await (const piece of model.ask("?", say(said))) pieces.push(piece);
    expect(pieces.join("")).toBe(said);
    expect(pieces.length).toBeGreaterThan(3);
    for (const piece of pieces) expect(piece).not.toContain("\uFFFD");
  });

  test("ends at the stop token, which it does not show", async () => {
    const result = await model.ask("?", say("ok")).result();
    expect(result.text).toBe("ok");
    expect(result.stopReason).toBe("token");
    expect(result.tokenIds.at(-1)).toBe(END);
  });

  test("leaves special tokens out, and keeps them among the ids", async () => {
    const [ok] = model.tokenizer.encode("a");
    const result = await model.ask("?", { ...saying([ok!, 499, ok!]), thinking: "inline" }).result();
    expect(result.text).toBe("aa");
    expect(result.tokenIds).toEqual([ok, 499, ok, END]);
  });

  test("ends before a stop string, also where it comes in pieces", async () => {
    const result = await model.ask("?", { ...say("yes. STOP no"), stop: ["STOP", "never"] }).result();
    expect(result.text).toBe("yes. ");
    expect(result.stopReason).toBe("string");
  });

  test("is cut at maxTokens", async () => {
    const result = await model.ask("?", { ...say("a long answer"), maxTokens: 2 }).result();
    expect(result.tokenIds).toHaveLength(2);
    expect(result.stopReason).toBe("length");
  });

  test("keeps thinking apart, hides it, or leaves it in", async () => {
    const said = "<think>first\nthis</think>\n\nthen that";
    const pieces = await piecesOf(say(said));
    expect(textOf(pieces, "thinking")).toBe("first\nthis");
    expect(textOf(pieces, "answer")).toBe("\n\nthen that");
    const apart = await model.ask("?", say(said)).result();
    expect([apart.thinking, apart.text]).toEqual(["first\nthis", "\n\nthen that"]);
    const hidden = await model.ask("?", { ...say(said), thinking: "hidden" }).result();
    expect([hidden.thinking, hidden.text]).toEqual(["", "then that"]);
    const inline = await model.ask("?", { ...say(said), thinking: "inline" }).result();
    expect([inline.thinking, inline.text]).toEqual(["", said]);
  });

  test("joins to its text in every mode, whatever is thought and never closed", async () => {
    const bits = fc.array(fc.constantFrom("<think>", "</think>", "<th", "ink>", "<", "a", " ", "\n", "\n\n", "b "), {
      maxLength: 14,
    });
    for (const mode of ["apart", "hidden", "inline"] as const)
      for (const said of fc.sample(bits, { numRuns: 25, seed: 3 }).map((b) => b.join(""))) {
        const answer = model.ask("?", { ...say(said), thinking: mode });
        const pieces: Piece[] = [];
        for await (const piece of answer.pieces()) pieces.push(piece);
        const { text, thinking } = await answer.result();
        expect(textOf(pieces, "answer")).toBe(text);
        expect(textOf(pieces, "thinking")).toBe(thinking);
        if (mode === "hidden") expect([text, thinking]).toEqual([removeThinking(said), ""]);
        if (mode === "inline") expect(text).toBe(said);
      }
  });

  test("can be consumed once", async () => {
    const answer = model.ask("?", { maxTokens: 1 });
    for await (const _ of answer);
    await expect(answer.result()).resolves.toMatchObject({ stopReason: "length" });
    await expect(answer[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      name: "EngineError",
      code: "answer-used",
    });
  });

  test("that is left early has no result", async () => {
    const answer = model.ask("?", { maxTokens: 5 });
    for await (const _ of answer.pieces()) break;
    await expect(answer.result()).rejects.toMatchObject({ code: "answer-used" });
  });

  test("ends with the signal's reason", async () => {
    const control = new AbortController();
    const reason = new Error("enough");
    const seen: string[] = [];
    const reading = (async () => {
      for await (const piece of model.ask("?", { ...say("one two three four"), signal: control.signal })) {
        seen.push(piece);
        control.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
  });

  test("is the same for the same seed, and not for all seeds", async () => {
    const sampled = (seed: number) => model.ask("Tell me.", { temperature: 5, seed, maxTokens: 8 }).result();
    const [a, b, ...others] = await Promise.all([sampled(7), sampled(7), sampled(8), sampled(9)]);
    expect(a!.tokenIds).toEqual(b!.tokenIds);
    expect(others.some((o) => String(o.tokenIds) !== String(a!.tokenIds))).toBe(true);
  });
});

describe("what a text spells is text", () => {
  test("a placeholder in a question is not a picture", async () => {
    const result = await model.ask("Where is <image> in <|im_end|> it?", { maxTokens: 1 }).result();
    expect(result.visualTokens.all).toBe(0);
    expect(result.promptTokens).toBeGreaterThan(20);
  });
});

describe("wrong questions", () => {
  const wrong = async (messages: string | readonly Message[], options: AskOptions = {}) =>
    model.ask(messages, options).result();

  test("nothing to say", async () => {
    for (const empty of ["", [], [{ role: "user", content: "" }], [{ role: "user", content: [] }]] as const)
      await expect(wrong(empty as readonly Message[])).rejects.toMatchObject({
        name: "EngineError",
        code: "prompt-empty",
      });
  });

  test("too long a prompt names both lengths", async () => {
    const short = await load(folder, { backend: reference, contextLength: 16 });
    await expect(short.ask("This question does not fit into sixteen tokens.").result()).rejects.toMatchObject({
      code: "prompt-too-long",
      message: expect.stringMatching(/the prompt has \d+ tokens, the model takes 15/),
    });
    const image = { data: new Uint8Array(64 * 96 * 3), width: 96, height: 64 };
    const looked: unknown[] = [];
    const told = short.ask([{ role: "user", content: [{ type: "image", image }] }], {
      processLogits: (x) => void looked.push(x),
    });
    await expect(told.result()).rejects.toMatchObject({ code: "prompt-too-long" });
    expect(looked).toEqual([]);
    await short.dispose();
  });

  test("a file that is no picture", async () => {
    const messages: Message[] = [{ role: "user", content: [{ type: "image", image: new Uint8Array([1, 2, 3]) }] }];
    await expect(wrong(messages)).rejects.toMatchObject({ name: "ProcessorError", code: "input-format" });
  });

  test("a part of no known type, a video without frames, timestamps that do not fit", async () => {
    const frame = { data: new Uint8Array(32 * 32 * 3), width: 32, height: 32 };
    const parts = [
      { type: "sound" },
      { type: "video", frames: [] },
      { type: "video", frames: [frame, frame], timestamps: [0] },
      { type: "video", frames: [frame], timestamps: null },
      { type: "video", frames: [null] },
      { type: "video", frames: "ab" },
      { type: "video" },
      { type: "image" },
      { type: "image", image: null },
      { type: "image", image: "picture.png" },
      { type: "volume", volume: {} },
      { type: "volume" },
      { type: "text" },
      null,
      "text",
    ];
    for (const part of parts)
      await expect(wrong([{ role: "user", content: [part as Part] }])).rejects.toMatchObject({
        code: "content-invalid",
      });
  });

  test("what is no conversation", () => {
    for (const messages of [
      null,
      undefined,
      5,
      {},
      [null],
      ["hi"],
      [{ role: "robot", content: "hi" }],
      [{ role: "user" }],
      [{ role: "user", content: 5 }],
    ])
      expect(() => model.ask(messages as never), JSON.stringify(messages)).toThrow(
        expect.objectContaining({
          name: "EngineError",
          code: "content-invalid",
          message: expect.stringMatching(/ is .*; it must be /),
        }),
      );
    for (const message of [
      { role: "system", content: "Be brief." },
      { role: "assistant", content: "Yes." },
    ] as const)
      expect(() => model.ask([message])).not.toThrow();
  });

  test("no message says again what a patient said", () => {
    for (const messages of [["SECRET"], [{ role: "user", content: ["SECRET"] }], [show("SECRET")], [show(["SECRET"])]])
      expect(() => model.ask(messages as never)).toThrow(
        expect.objectContaining({ code: "content-invalid", message: expect.not.stringContaining("SECRET") }),
      );
    // What stands where one of a few names should be is told: it is mostly such a name, misspelled.
    expect(() => model.ask([{ role: "robot", content: "hi" }] as never)).toThrow('role is "robot"');
    function show(image: unknown) {
      return { role: "user", content: [{ type: "image", image }] };
    }
  });

  test("what is no option", () => {
    const options = [
      null,
      [],
      { maxtokens: 3 },
      { maxTokens: "3" },
      { stop: "x" },
      { stop: [5] },
      { thinking: "x" },
      { prune: "x" },
      { prune: null },
      { prune: { rule: "x" } },
      { merge: 0 },
      { merge: 1.5 },
      { aspect: "x" },
      { passOrder: "x" },
      { systemPrompt: 1 },
      { templateVariables: 5 },
      { signal: {} },
      { processLogits: 5 },
      { temperature: "1" },
    ];
    for (const option of options)
      expect(() => model.ask("?", option as never), JSON.stringify(option)).toThrow(
        expect.objectContaining({ name: "EngineError", code: "option-invalid" }),
      );
    expect(() => model.ask("?", { merge: 0 })).toThrow("ask: merge is 0; it must be a whole number of at least 1");
    expect(() => model.ask("?", { maxtokens: 3 } as never)).toThrow(
      "ask has no option maxtokens; it has maxTokens, temperature",
    );
    expect(() => model.ask("?", { thinking: undefined, prune: { rule: "pixel" }, merge: 1 })).not.toThrow();
  });

  test("what cannot be loaded", async () => {
    for (const [source, options] of [
      [undefined, { backend: reference }],
      [5, { backend: reference }],
      [{}, { backend: reference }],
      [folder, undefined],
      [folder, {}],
      [folder, { backend: "onnx" }],
      [folder, { backend: {} }],
      [folder, { backend: reference, contextLength: 0 }],
      [folder, { backend: reference, contextLength: "5" }],
      [folder, { backend: reference, context: 5 }],
    ])
      await expect(load(source as never, options as never)).rejects.toMatchObject({
        name: "EngineError",
        code: "option-invalid",
      });
    await expect(model.encodeVision(undefined as never)).rejects.toMatchObject({ code: "content-invalid" });
    await expect(model.encodeVision({} as never)).rejects.toMatchObject({
      name: "ProcessorError",
      code: "image-unsupported",
    });
  });

  test("options out of range", async () => {
    for (const options of [{ temperature: -1 }, { topP: 2 }, { topK: 0.5 }, { repetitionPenalty: 0 }, { seed: 0.5 }])
      await expect(wrong("?", options)).rejects.toMatchObject({ name: "GenerationError" });
    await expect(
      wrong([{ role: "user", content: [{ type: "volume", volume: await readFile(`${folder}/volume.nii.gz`) }] }], {
        prune: { rule: "pixel", threshold: Number.NaN },
      }),
    ).rejects.toMatchObject({ name: "VisionError" });
  });
});

describe("the timings", () => {
  test("count every stage once, in milliseconds", async () => {
    const began = performance.now();
    const { timings } = await model.ask("How long?", { maxTokens: 1 }).result();
    const took = performance.now() - began;
    expect(timings.prefill).toBeGreaterThan(0);
    expect(timings.process + timings.encode + timings.prefill + timings.decode).toBeLessThanOrEqual(took);
    const longer = (await model.ask("How long?", { maxTokens: 12 }).result()).timings;
    expect(longer.decode).toBeGreaterThan(0);
    for (const ms of Object.values(longer)) expect(ms).toBeGreaterThanOrEqual(0);
  });
});

describe("the model", () => {
  test("gives a picture's tokens", async () => {
    const image = { data: new Uint8Array(128 * 192 * 3).fill(9), width: 192, height: 128 };
    const { data, shape, grid } = await model.encodeVision(image);
    expect(grid).toEqual([1, 8, 12]);
    expect(shape).toEqual([96, 96]);
    expect(data).toHaveLength(96 * 96);
    expect((await model.encodeVision(image, { merge: 2 })).shape).toEqual([24, 96]);
  });

  test("answers several questions at once, each as alone", async () => {
    const ask = (text: string) => model.ask(text, { maxTokens: 6 }).result();
    const alone = [await ask("One?"), await ask("Two, and more?")];
    const together = await Promise.all([ask("One?"), ask("Two, and more?")]);
    expect(together.map((r) => r.tokenIds)).toEqual(alone.map((r) => r.tokenIds));
  });

  test("is of no use once disposed", async () => {
    const other = await load(folder, { backend: reference });
    await other[Symbol.asyncDispose]();
    await other.dispose();
    await expect(other.ask("?").result()).rejects.toMatchObject({ code: "disposed" });
    await expect(other.encodeVision(new Uint8Array())).rejects.toMatchObject({ code: "disposed" });
  });

  test("reports its loading, and can be told to stop", async () => {
    const seen: number[] = [];
    let total = 0;
    await (
      await load(folder, {
        backend: reference,
        onProgress: (done, of) => {
          seen.push(done);
          total = of;
        },
      })
    ).dispose();
    expect(seen.at(-1)).toBe(total);
    expect(total).toBe(91);
    await expect(load(folder, { backend: reference, signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow(
      "no",
    );
  });
});

describe("the prompt", () => {
  const frame = (seed: number) => ({
    data: Uint8Array.from({ length: 64 * 96 * 3 }, (_, i) => (i * 7 + seed * 90) % 256),
    width: 96,
    height: 64,
  });
  /** The text that the model was given, placeholders and all. */
  async function given(
    messages: readonly Message[],
    options: AskOptions = {},
    asked: LocalModel = model,
  ): Promise<string> {
    let ids: readonly number[] = [];
    const processLogits: AskOptions["processLogits"] = (_, context) => {
      ids = [...context.ids];
    };
    await asked.ask(messages, { ...options, processLogits, maxTokens: 1 }).result();
    return asked.tokenizer.decode(ids);
  }

  test("tells a picture's time and a clip's times", async () => {
    const image = frame(0);
    expect(await given([{ role: "user", content: [{ type: "image", image, time: 3.25 }] }])).toContain(
      "Time 3.2s: <image>",
    );
    expect(await given([{ role: "user", content: [{ type: "image", image, time: 0 }] }])).toContain("Time 0s: <image>");
    expect(await given([{ role: "user", content: [{ type: "image", image }] }])).not.toContain("Time");
    const video = { type: "video", frames: [image, frame(1)], timestamps: [0, 7] } as const;
    const told = await given([{ role: "user", content: [video] }], { prune: "off" });
    expect(told).toMatch(/Time 0\.0s:(<image>)+,Time 7\.0s:(<image>)+\n/);
  });

  test("keeps the order of its parts and its turns", async () => {
    const text = await given([
      { role: "system", content: "S" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "image", image: frame(0) },
          { type: "text", text: "b" },
        ],
      },
      { role: "assistant", content: "c" },
      { role: "user", content: "d" },
    ]);
    expect(text.replace(/(<image>)+/, "<image>")).toBe(
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<image>\nb<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n<|im_start|>user\nd<|im_end|>\n<|im_start|>assistant\n",
    );
  });

  test("merges 2 x 2 where there is a clip, not for pictures; one frame of a clip is not pruned", async () => {
    const image = frame(0);
    const count = async (content: readonly Part[], options: AskOptions = {}) =>
      (await model.ask([{ role: "user", content }], { ...options, maxTokens: 1 }).result()).visualTokens;
    expect(await count([{ type: "image", image }])).toEqual({ all: 24, kept: 24 });
    expect((await count([{ type: "video", frames: [frame(0)] }])).kept).toBe(
      (await count([{ type: "video", frames: [frame(0)] }])).all,
    );
    const clip = { type: "video", frames: [frame(0), frame(0), frame(1)] } as const;
    const pruned = await count([clip], { prune: { rule: "pixel", threshold: 0.1 } });
    const whole = await count([clip], { prune: "off" });
    expect(whole).toEqual({ all: pruned.all, kept: pruned.all });
    // The first frame whole, one token of its twin, and the third whole.
    expect(pruned.kept).toBe((pruned.all / 3) * 2 + 1);
    expect((await count([{ type: "image", image }, clip], { prune: "off" })).all).toBe(whole.all + whole.all / 3);
    expect((await count([clip], { merge: 1, prune: "off" })).all).toBe(24 * 3);
    expect((await count([clip], { prune: { rule: "pixel", minTokens: 2 } })).kept).toBe(pruned.kept + 1);
  });

  test("takes a volume's slices along the axis, as many and by the rule that it is told", async () => {
    const volume = await readFile("test/data/samples/3d/anatomical_be.nii");
    const count = async (options: Omit<Part & { type: "volume" }, "type" | "volume">) => {
      const parts: Part[] = [{ type: "volume", volume, ...options }];
      const { visualTokens } = await model
        .ask([{ role: "user", content: parts }], { maxTokens: 1, prune: "off", aspect: "true" })
        .result();
      return visualTokens.all;
    };
    const { readNifti, preprocess, volumeFrames } = await import("@hulu/processor");
    const read = await readNifti(volume);
    const config = (await openModel(folder)).preprocessor!;
    const expected = (options: SliceOptions) => {
      const [{ grid }] = preprocess([{ frames: volumeFrames(read, options), merge: 2 }], config) as [Patches];
      return (grid[0] * grid[1] * grid[2]) / 4;
    };
    expect(await count({})).toBe(expected({ rule: "hf" }));
    expect(expected({ axis: "coronal", rule: "hf" })).not.toBe(expected({ rule: "hf" }));
    for (const options of [
      { axis: "coronal", numSlices: 99 },
      { axis: "sagittal", numSlices: 5 },
      { rule: "repository", numSlices: 13 },
      { numSlices: 3, window: { center: 100, width: 50 } },
    ] as const)
      expect(await count(options)).toBe(expected({ rule: "hf", ...options }));
  });

  test("may fill the context but for one position, and a longer one is refused before pictures are encoded", async () => {
    const length = (await model.ask("Hello", { maxTokens: 1 }).result()).promptTokens;
    const fits = await load(folder, { backend: reference, contextLength: length + 1 });
    const full = await fits.ask("Hello", { maxTokens: 9 }).result();
    expect([full.tokenIds.length, full.stopReason]).toEqual([1, "length"]);
    await fits.dispose();
    const short = await load(folder, { backend: reference, contextLength: length });
    await expect(short.ask("Hello").result()).rejects.toThrow(
      `the prompt has ${length} tokens, the model takes ${length - 1}`,
    );
    const words =
      (await model.ask([{ role: "user", content: [{ type: "image", image: frame(0) }] }], { maxTokens: 1 }).result())
        .promptTokens - 24;
    const ask = (part: Part, options: AskOptions = {}) =>
      short.ask([{ role: "user", content: [part] }], options).result();
    await expect(ask({ type: "image", image: frame(0) })).rejects.toThrow(`the prompt has ${words + 24} tokens`);
    // Of a clip that is pruned no more is known beforehand than what each frame must keep.
    const clip = { type: "video", frames: [0, 1, 2, 3].map(frame) } as const;
    const separators = 3;
    await expect(ask(clip, { prune: { rule: "pixel", minTokens: 2 } })).rejects.toThrow(
      `the prompt has ${words + separators + 8} tokens`,
    );
    await short.dispose();
  });

  test("that a template makes empty is refused as one that says nothing", async () => {
    const names = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
    const files = new Map(names.map((name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))]));
    files.set("chat_template.jinja", new TextEncoder().encode("{% if messages | length > 9 %}x{% endif %}"));
    const mute = await load(files, { backend: reference, worker: false });
    const refused = { name: "EngineError", code: "prompt-empty", message: expect.stringContaining("chat template") };
    await expect(mute.ask("hello").result()).rejects.toMatchObject(refused);
    await expect(mute.converse().ask("hello").result()).rejects.toMatchObject(refused);
    await mute.dispose();
  });

  test("of a checkpoint's own template gets its variables and, with pictures, its system prompt", async () => {
    const template =
      "{% if add_system_prompt %}SYS {% endif %}{{ mood }}{% for m in messages %}{% for p in m.content %}{% if p.type == 'image' %}{{ image_token }}{% else %}{{ p.text }}{% endif %}{% endfor %}{% endfor %}";
    const names = [
      "config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "preprocessor_config.json",
      "model.safetensors",
    ];
    const files = new Map(names.map((name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))]));
    files.set("chat_template.jinja", new TextEncoder().encode(template));
    const own = await load(files, { backend: reference, worker: false });
    const text: Message[] = [{ role: "user", content: [{ type: "text", text: "hi" }] }];
    const picture: Message[] = [{ role: "user", content: [{ type: "image", image: frame(0) }] }];
    expect(await given(text, {}, own)).toBe("hi");
    expect(await given(text, { systemPrompt: true, templateVariables: { mood: "calm " } }, own)).toBe("SYS calm hi");
    expect(await given(picture, {}, own)).toMatch(/^SYS (<image>)+$/);
    expect(await given(picture, { systemPrompt: false }, own)).toMatch(/^(<image>)+$/);
    await own.dispose();
  });
});
