import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { reference } from "@hulu/backend-reference";
import { ConfigError, GenerationError } from "@hulu/core";
import {
  type Answer,
  type AskOptions,
  EngineError,
  type HuluModel,
  type LoadOptions,
  type LocalModel,
  load,
  type Message,
} from "@hulu/engine";
import { float, ProcessorError, readNifti } from "@hulu/processor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textOnly } from "../../packages/engine/test/text-only.js";
import { bundle } from "../bundle.js";

const folder = "test/data/goldens/q3-p16";
const SERVES = `
  import { reference } from "@hulu/backend-reference";
  import { serve } from "@hulu/engine/worker";
  await serve({ backend: reference });
`;

let file: string;
let here: LocalModel;
let there: HuluModel;
/** The workers that were started, the last one last. */
const started: Worker[] = [];
const worker = () => {
  const made = new Worker(file);
  started.push(made);
  return made;
};

beforeAll(async () => {
  file = await bundle(SERVES);
  here = await load(folder, { backend: reference, worker: false });
  there = await load(folder, { worker });
});
afterAll(async () => {
  await here.dispose();
  await there.dispose();
});

const frame = (n: number) => ({
  data: Uint8Array.from({ length: 48 * 32 * 3 }, (_, i) => (i * 7 + n * 31) % 256),
  width: 48,
  height: 32,
});
const filesOf = () =>
  new Map(
    ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "model.safetensors"].map(
      (name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))],
    ),
  );
const say = (text: string): Message[] => [{ role: "user", content: text }];
const show = (part: Extract<Message["content"], readonly unknown[]>[number], text = "?"): Message[] => [
  { role: "user", content: [part, { type: "text", text }] },
];

/** The same question here and there, but for the times. */
async function both(messages: readonly Message[], options: AskOptions = {}) {
  const [a, b] = await Promise.all(
    [here, there].map(async (model) => model.ask(messages, { maxTokens: 6, ...options }).result()),
  );
  const { timings: _, ...local } = a!;
  const { timings, ...remote } = b!;
  expect(remote).toEqual(local);
  expect(timings.prefill).toBeGreaterThan(0);
  return remote;
}

describe("what a worker answers is what this thread answers", () => {
  test("a text", async () => {
    expect((await both(say("What is it?"))).tokenIds).toHaveLength(6);
  });

  test("sampled, with stop strings and inline thinking", async () => {
    await both(say("What is it?"), { temperature: 0.9, seed: 7, stop: ["zz"], thinking: "inline" });
  });

  test("pixels, a file's bytes, and a Blob of them", async () => {
    await both(show({ type: "image", image: frame(1) }));
    const png = await readFile("test/data/samples/nasty/one_pixel.png");
    const bytes = await both(show({ type: "image", image: png }));
    const blob = await both(show({ type: "image", image: new Blob([png]) }));
    expect(blob.tokenIds).toEqual(bytes.tokenIds);
  });

  test("a volume as a file and as one that was read", async () => {
    const volume = await readFile(`${folder}/volume.nii.gz`);
    const part = { type: "volume", volume, numSlices: 3, axis: "coronal" } as const;
    const file = await both(show(part));
    const read = await both(show({ ...part, volume: await readNifti(volume) }));
    expect(read.tokenIds).toEqual(file.tokenIds);
    expect(file.visualTokens.all).toBeGreaterThan(0);
  });

  test("a clip whose times are Python's floats, and a picture's whole number", async () => {
    const frames = [frame(1), frame(2)];
    const plain = await both(show({ type: "video", frames, timestamps: [1, 2.5] }));
    await both(show({ type: "video", frames, timestamps: [float(1), float(2.5)] }));
    const whole = await both(show({ type: "image", image: frame(1), time: 7 }));
    const exact = await both(show({ type: "image", image: frame(1), time: float(7) }));
    expect(exact.promptTokens).toBeGreaterThan(whole.promptTokens);
    expect(plain.visualTokens.all).toBeGreaterThan(0);
  });

  test("a picture's tokens", async () => {
    const [a, b] = [await here.encodeVision(frame(3), { merge: 2 }), await there.encodeVision(frame(3), { merge: 2 })];
    expect(b).toEqual(a);
    expect(b.data).toBeInstanceOf(Float32Array);
  });

  test("the tokenizer, the config and the length of the context", async () => {
    expect(await there.tokenize("<|im_start|>What?")).toEqual(
      here.tokenizer.encode("<|im_start|>What?", { allowSpecial: true }),
    );
    expect(await there.detokenize([64, 65, 66])).toBe("abc");
    expect(there.config).toEqual(here.config);
    expect(there.contextLength).toBe(here.contextLength);
  });

  test("many at once", async () => {
    const texts = ["one", "two", "three", "four"];
    const alone: (readonly number[])[] = [];
    for (const text of texts) alone.push((await here.ask(text, { maxTokens: 4 }).result()).tokenIds);
    const together = await Promise.all(texts.map((text) => there.ask(text, { maxTokens: 4 }).result()));
    expect(together.map((r) => r.tokenIds)).toEqual(alone);
  });
});

describe("an answer in pieces", () => {
  test("they come in order and join to the text", async () => {
    const answer = there.ask("What is it?", { maxTokens: 12 });
    let text = "";
    for await (const piece of answer) text += piece;
    expect(text).toBe((await answer.result()).text);
    expect(text).toBe((await here.ask("What is it?", { maxTokens: 12 }).result()).text);
  });

  test("left early, it ends; the next question is answered", async () => {
    for await (const _ of there.ask("What is it?", { maxTokens: 10_000 })) break;
    await both(say("And now?"));
  });

  test("aborted, it fails with the caller's own reason", async () => {
    const control = new AbortController();
    const answer = there.ask("What is it?", { maxTokens: 10_000, signal: control.signal });
    const reason = new Error("the page was closed");
    const told = (async () => {
      for await (const _ of answer) control.abort(reason);
    })();
    await expect(told).rejects.toBe(reason);
    await expect(there.ask("?", { signal: AbortSignal.abort(reason) }).result()).rejects.toBe(reason);
    await both(say("And now?"));
  });
});

describe("a conversation", () => {
  const picture = show({ type: "image", image: frame(4) })[0]!;

  /** The same turns here and there. */
  async function turns(body: (model: HuluModel) => Promise<unknown>) {
    const [a, b] = [await body(here), await body(there)];
    expect(b).toEqual(a);
  }
  const told = async (answer: Answer) => {
    const { timings: _, ...result } = await answer.result();
    return result;
  };

  test("goes on there as it does here: what it holds is not computed again", async () => {
    await turns(async (model) => {
      await using talk = model.converse({ messages: [{ role: "system", content: "Be brief." }] });
      const held = await talk.prefill();
      const first = await told(talk.ask(picture, { maxTokens: 4 }));
      const second = await told(talk.ask("And now?", { maxTokens: 4 }));
      expect(second.reusedTokens).toBeGreaterThan(first.promptTokens - 1);
      expect(talk.messages.map((m) => m.role)).toEqual(["system", "user", "assistant", "user", "assistant"]);
      return [held, first, second, talk.messages];
    });
  });

  test("forks and forgets", async () => {
    await turns(async (model) => {
      await using talk = model.converse();
      await told(talk.ask("What is it?", { maxTokens: 3 }));
      await using other = await talk.fork();
      const [a, b] = await Promise.all([talk, other].map((t, i) => told(t.ask(`${i}`, { maxTokens: 3 }))));
      await talk.truncate(2);
      expect(talk.messages).toHaveLength(2);
      expect(other.messages).toHaveLength(4);
      return [a, b, await told(talk.ask("1", { maxTokens: 3 }))];
    });
  });

  test("is saved there and restored here, and the other way round", async () => {
    const [saved, same] = await Promise.all(
      [there, here].map(async (model) => {
        await using talk = model.converse();
        await told(talk.ask(picture, { maxTokens: 4 }));
        return talk.save();
      }),
    );
    expect(same).toEqual(saved);
    await turns(async (model) => {
      await using talk = await model.restore(saved!);
      expect(talk.messages[0]!.content).toContainEqual(
        expect.objectContaining({ type: "remembered", shows: "image", height: 32, width: 48 }),
      );
      const next = await told(talk.ask("And now?", { maxTokens: 4 }));
      expect(next.reusedTokens).toBeGreaterThan(10);
      return [next, talk.messages];
    });
    await expect(there.restore(saved!.slice(1))).rejects.toMatchObject({ name: "EngineError", code: "saved-invalid" });
    await expect(there.restore("x" as never)).rejects.toMatchObject({ code: "option-invalid" });
  });

  test("what fails adds nothing, and is told by name", async () => {
    const talk = there.converse();
    await expect(talk.ask(show({ type: "image", image: new Uint8Array(3) })).result()).rejects.toThrow(ProcessorError);
    expect(talk.messages).toEqual([]);
    await expect(talk.truncate(1)).rejects.toMatchObject({ code: "option-invalid" });
    expect(() => talk.ask("")).toThrow(EngineError);
    const [a, b] = [talk.ask("one", { maxTokens: 2 }), talk.ask("two", { maxTokens: 2 })];
    const ends = await Promise.allSettled([a.result(), b.result()]);
    expect(ends.map((e) => e.status).sort()).toEqual(["fulfilled", "rejected"]);
    await talk.dispose();
    await talk.dispose();
    await expect(talk.ask("?").result()).rejects.toMatchObject({ code: "disposed" });
    expect(() => there.converse({ messages: [{ role: "nobody" } as never] })).toThrow(EngineError);
  });
});

describe("what the caller gives", () => {
  test("stays the caller's: nothing is detached", async () => {
    const image = frame(1);
    const whole = new Uint8Array(image.data.length + 100).fill(7);
    const view = whole.subarray(50, 50 + image.data.length);
    view.set(image.data);
    const a = await both(show({ type: "image", image: { ...image, data: view } }));
    expect(whole.length).toBe(image.data.length + 100);
    expect(view[0]).toBe(image.data[0]);
    expect(a.tokenIds).toEqual((await both(show({ type: "image", image }))).tokenIds);
  });

  test("a function cannot be sent, and the error says what to do", () => {
    const refused = expect.objectContaining({ name: "EngineError", code: "worker-function" });
    const ask = (options: AskOptions) => () => there.ask("?", options);
    expect(ask({ processLogits: () => {} })).toThrow(refused);
  });

  test("nor one among the variables of a template", async () => {
    const options = { templateVariables: { now: () => 1 } };
    await expect(there.ask("?", options).result()).rejects.toMatchObject({ code: "worker-function" });
    await expect(there.ask("?", { templateVariables: { x: Symbol("x") } }).result()).rejects.toMatchObject({
      code: "worker-function",
      message: expect.stringContaining("is a symbol"),
    });
  });

  test("nor what holds itself", async () => {
    const endless: Record<string, unknown> = {};
    endless.again = endless;
    await expect(there.ask("?", { templateVariables: endless }).result()).rejects.toMatchObject({
      name: "EngineError",
      code: "content-invalid",
    });
  });

  test("a question that cannot be is refused at once, as here", () => {
    expect(() => there.ask("")).toThrow(EngineError);
    expect(() => there.ask("?", { temperature: -1 })).toThrow(GenerationError);
    expect(() => there.ask("?", { nonsense: 1 } as AskOptions)).toThrow(EngineError);
  });
});

describe("errors keep their names, codes and classes", () => {
  test("of the processor", async () => {
    const error = await there
      .ask(show({ type: "image", image: new Uint8Array(9) }))
      .result()
      .catch((e) => e);
    expect(error).toBeInstanceOf(ProcessorError);
    expect(error).toMatchObject({ name: "ProcessorError", code: "input-format" });
    expect(error.stack).toContain("openPicture");
  });

  test("of the engine", async () => {
    const error = await there
      .ask("x ".repeat(40_000))
      .result()
      .catch((e) => e);
    expect(error).toBeInstanceOf(EngineError);
    expect(error.code).toBe("prompt-too-long");
  });

  test("of loading: the worker ends with it", async () => {
    await expect(load("/there/is/nothing", { worker })).rejects.toMatchObject({ code: "file-missing" });
    const files = filesOf();
    const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8"));
    files.set("config.json", new TextEncoder().encode(JSON.stringify({ ...config, num_hidden_layers: -1 })));
    await expect(load(files, { worker })).rejects.toBeInstanceOf(ConfigError);
    const exits = started.slice(-2).map((w) => w.threadId);
    expect(exits).toEqual([-1, -1]);
  });
});

test("a language model there answers a text, and refuses a picture by name, as one here does", async () => {
  const files = await textOnly(["q3-p16", "qwen3", "Qwen3ForCausalLM"]);
  await using model = await load(files, { worker });
  await using talk = model.converse();
  const refused = expect.objectContaining({ name: "EngineError", code: "no-vision" });
  const picture = show({ type: "image", image: frame(1) });
  expect(model.config.vision).toBeUndefined();
  expect(() => model.ask(picture)).toThrow(refused);
  expect(() => talk.ask(picture)).toThrow(refused);
  expect(() => model.converse({ messages: picture })).toThrow(refused);
  await expect(model.encodeVision(frame(1))).rejects.toBeInstanceOf(EngineError);
  await expect(model.encodeVision(frame(1))).rejects.toEqual(refused);
  const { tokenIds, visualTokens } = await model.ask("What is it?", { maxTokens: 6 }).result();
  expect(tokenIds).toEqual((await here.ask("What is it?", { maxTokens: 6 }).result()).tokenIds);
  expect(visualTokens).toEqual({ all: 0, kept: 0 });
});

describe("a model's life", () => {
  test("it tells how far loading is, takes files, keeps no process alive, and ends", async () => {
    const seen: number[] = [];
    const files = filesOf();
    const model = await load(files, { worker, onProgress: (done, total) => seen.push(done / total) });
    expect(seen.at(-1)).toBe(1);
    expect(seen.length).toBeGreaterThan(10);
    expect(files.get("model.safetensors")!.length).toBeGreaterThan(0);
    const asked = await model.ask("What is it?", { maxTokens: 3 }).result();
    expect(asked.tokenIds).toEqual((await here.ask("What is it?", { maxTokens: 3 }).result()).tokenIds);
    await Promise.all([model.dispose(), model.dispose()]);
    expect(started.at(-1)!.threadId).toBe(-1);
    await expect(model.ask("?").result()).rejects.toMatchObject({ name: "EngineError", code: "disposed" });
    expect(() => model.converse()).toThrow(expect.objectContaining({ name: "EngineError", code: "disposed" }));
  });

  test("a second model in one worker is refused, even while the first is loading", async () => {
    const port = worker();
    const both = await Promise.allSettled([load(folder, { worker: () => port }), load(folder, { worker: () => port })]);
    const codes = both.map((r) => (r.status === "rejected" ? r.reason.code : "loaded"));
    expect(codes).toContain("worker-unavailable");
    for (const r of both) if (r.status === "fulfilled") await r.value.dispose();
  });

  test("a worker that dies fails what is open and what comes, by name", async () => {
    const model = await load(folder, { worker });
    const talk = model.converse();
    await talk.prefill();
    const open = model.ask("What is it?", { maxTokens: 10_000 }).result();
    setTimeout(() => started.at(-1)!.terminate(), 200);
    await expect(open).rejects.toMatchObject({ name: "EngineError", code: "worker-lost" });
    await expect(model.ask("?").result()).rejects.toMatchObject({ code: "worker-lost" });
    await talk.dispose();
    await model.dispose();
  });

  test("a worker that began to serve before it is given is greeted again", async () => {
    const early = worker();
    await new Promise((begun) => early.once("message", begun));
    await using model = await load(folder, { worker: () => early });
    expect(await model.detokenize([64, 65, 66])).toBe("abc");
  });

  test("one that begins to serve late is waited for, but no longer than the signal lets", async () => {
    const late = await bundle(`await new Promise((go) => setTimeout(go, 600)); ${SERVES}`);
    const reason = new Error("the user left");
    const control = new AbortController();
    setTimeout(() => control.abort(reason), 100);
    const begin = performance.now();
    const made: Worker[] = [];
    const start = () => {
      made.push(new Worker(late));
      return made.at(-1)!;
    };
    await expect(load(folder, { worker: start, signal: control.signal })).rejects.toBe(reason);
    expect(performance.now() - begin).toBeLessThan(550);
    expect(made[0]!.threadId).toBe(-1);
    await using model = await load(folder, { worker: start });
    expect(await model.detokenize([64, 65, 66])).toBe("abc");
  });

  test("a text that takes too long ends the worker", async () => {
    const model = await load(folder, { worker, textTimeLimit: 500 });
    const long = "a".repeat(20_000_000);
    await expect(model.ask(long).result()).rejects.toMatchObject({ name: "EngineError", code: "time-limit" });
    await expect(model.ask("?").result()).rejects.toMatchObject({ code: "time-limit" });
    await model.dispose();
    expect(started.at(-1)!.threadId).toBe(-1);
  });

  test("options of load", async () => {
    const wrong = (options: unknown) => load(folder, options as LoadOptions);
    await expect(wrong({})).rejects.toMatchObject({ code: "option-invalid" });
    await expect(wrong({ worker: true })).rejects.toMatchObject({ code: "option-invalid" });
    await expect(wrong({ backend: reference, worker: 1 })).rejects.toMatchObject({ code: "option-invalid" });
    await expect(wrong({ backend: reference, textTimeLimit: 0 })).rejects.toMatchObject({ code: "option-invalid" });
    // The sources have no built worker beside them.
    await expect(wrong({ backend: reference, worker: true })).rejects.toMatchObject({ code: "worker-unavailable" });
  });
});
