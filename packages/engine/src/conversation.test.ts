import { readFile } from "node:fs/promises";
import { reference } from "@hulu/backend-reference";
import type { Backend } from "@hulu/core";
import { decodeImage } from "@hulu/processor";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type AskOptions, type LocalModel, load, type Message, type Part, type Result } from "./index.js";

const folder = "test/data/goldens/q3-p16";

/** The programs that ran, and how many positions each run of `step` had. */
const runs: { program: string; positions: number }[] = [];
const counting: Backend = {
  ...reference,
  compile: async (...args) => {
    const executable = await reference.compile(...args);
    return {
      ...executable,
      run: async (program, inputs, options) => {
        const shape = program === "step" ? (inputs.embeds as { shape: readonly number[] }).shape : [];
        runs.push({ program, positions: shape[1] ?? 0 });
        return executable.run(program, inputs, options);
      },
    };
  },
};
const ran = (program: string) => runs.filter((r) => r.program === program).length;
/** Positions that went through the decoder. */
const computed = () => runs.reduce((n, r) => n + r.positions, 0);

let model: LocalModel;
beforeAll(async () => {
  model = await load(folder, { backend: counting, worker: false });
});
afterAll(() => model.dispose());
beforeEach(() => {
  runs.length = 0;
});

const picture = (seed: number, width = 96, height = 64) => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + seed * 90) % 256),
  width,
  height,
});
const shown = (text: string, ...images: ReturnType<typeof picture>[]): Message => ({
  role: "user",
  content: [...images.map((image): Part => ({ type: "image", image })), { type: "text", text }],
});
const clip = (text: string, ...seeds: number[]): Message => ({
  role: "user",
  content: [
    { type: "video", frames: seeds.map((s) => picture(s)), timestamps: seeds.map((_, i) => i) },
    { type: "text", text },
  ],
});
const system: Message = { role: "system", content: "You are a careful radiologist. Answer briefly." };
const short: AskOptions = { maxTokens: 4 };
/** Options under which the model says this, whatever it thinks. */
function saying(text: string): AskOptions {
  const ids = model.tokenizer.encode(text, { allowSpecial: true });
  let n = 0;
  const processLogits = (logits: Float32Array) => {
    logits.fill(Number.NEGATIVE_INFINITY);
    logits[ids[n++] ?? 502] = 0;
  };
  return { processLogits, maxTokens: ids.length + 1 };
}
/** What the whole conversation gives when it is asked at once. */
const atOnce = async (messages: readonly Message[], options: AskOptions = short): Promise<Result> =>
  model.ask(messages, options).result();

describe("a conversation that goes on", () => {
  test("gives what the whole of it would, and computes what is new", async () => {
    await using talk = model.converse({ messages: [system] });
    const first = await talk.ask("What is it?", saying("A nodule.")).result();
    expect(first.text).toBe("A nodule.");
    expect(first.reusedTokens).toBe(0);
    // The stop token was chosen, not run.
    const held = first.promptTokens + first.tokenIds.length - 1;
    expect(computed()).toBe(held);
    runs.length = 0;

    const second = await talk.ask("Where?", short).result();
    expect(second.reusedTokens).toBe(held);
    expect(computed()).toBe(second.promptTokens - held + second.tokenIds.length - 1);
    const so = [system, { role: "user", content: "What is it?" }, { role: "assistant", content: "A nodule." }] as const;
    const whole = await atOnce([...so, { role: "user", content: "Where?" }]);
    expect(second.tokenIds).toEqual(whole.tokenIds);
    expect(second.promptTokens).toBe(whole.promptTokens);
    expect(whole.reusedTokens).toBe(0);
    expect(talk.messages).toEqual([
      ...so,
      { role: "user", content: "Where?" },
      { role: "assistant", content: second.text },
    ]);
  });

  test("keeps what is common where an answer is written down in other tokens", async () => {
    // Said letter by letter, it is read again as it is written.
    const letters = ["r", "a", "d", "i", "o"].map((c) => model.tokenizer.encode(c)[0]!);
    let n = 0;
    const processLogits = (logits: Float32Array) => {
      logits.fill(Number.NEGATIVE_INFINITY);
      logits[letters[n++] ?? 502] = 0;
    };
    expect(model.tokenizer.encode("radio").length).toBeLessThan(letters.length);
    await using talk = model.converse();
    const first = await talk.ask("?", { processLogits, maxTokens: 9 }).result();
    expect(first.text).toBe("radio");
    const second = await talk.ask("??", short).result();
    const read = model.tokenizer.encode("radio");
    expect(second.reusedTokens).toBe(first.promptTokens + read.findIndex((id, i) => id !== letters[i]));
    expect(second.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
  });

  test("leaves thinking out of what was said, and computes from there on", async () => {
    for (const thinking of ["apart", "hidden"] as const) {
      await using talk = model.converse();
      const first = await talk.ask("?", { ...saying("<think>hm</think>yes"), thinking }).result();
      expect(talk.messages.at(-1)).toEqual({ role: "assistant", content: "yes" });
      const second = await talk.ask("??", short).result();
      expect(second.reusedTokens).toBe(first.promptTokens);
      expect(second.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
    }
    await using inline = model.converse();
    const first = await inline.ask("?", { ...saying("<think>hm</think>yes"), thinking: "inline" }).result();
    expect((await inline.ask("??", short).result()).reusedTokens).toBe(first.promptTokens + first.tokenIds.length - 1);
  });

  test("takes a turn of several messages, and none", async () => {
    await using talk = model.converse({ messages: [system, { role: "user", content: "Well?" }] });
    const answered = await talk.ask([], short).result();
    expect(answered.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
    const more: Message[] = [{ role: "user", content: "And?" }, system, { role: "user", content: "So?" }];
    const next = await talk.ask(more, short).result();
    expect(talk.messages.slice(3, 6)).toEqual(more);
    expect(next.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
  });
});

describe("visual inputs", () => {
  test("are encoded once", async () => {
    await using talk = model.converse();
    const first = await talk.ask(shown("What?", picture(1)), saying("Yes.")).result();
    expect([ran("encodeVision"), ran("project"), ran("embedVisual")]).toEqual([1, 1, 1]);
    expect(first.visualTokens).toEqual({ all: 24, kept: 24 });
    const second = await talk.ask("Where?", short).result();
    expect([ran("encodeVision"), ran("project"), ran("embedVisual")]).toEqual([1, 1, 1]);
    expect(second.reusedTokens).toBe(first.promptTokens + first.tokenIds.length - 1);
    expect(second.visualTokens).toEqual({ all: 24, kept: 24 });
    expect(second.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
  });

  test("of the same pixels are the same, in another object, at another place, from a file", async () => {
    await using talk = model.converse();
    await talk.ask(shown("What?", picture(1), picture(2), picture(1)), short).result();
    expect(ran("encodeVision")).toBe(2);
    const third = await talk.ask(shown("And?", picture(2), picture(1)), short).result();
    expect(ran("encodeVision")).toBe(2);
    expect(third.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
    const before = third.reusedTokens;
    expect(before).toBeGreaterThan(72);

    const bytes = new Uint8Array(await readFile("test/data/samples/resize/microaneurysms_bicubic_45x53.png"));
    const pixels = await decodeImage(bytes);
    await using other = model.converse();
    const image: Part = { type: "image", image: bytes };
    await other.ask({ role: "user", content: [image] }, short).result();
    const encoded = ran("encodeVision");
    await other.truncate(0);
    const again = await other.ask({ role: "user", content: [{ type: "image", image: pixels }] }, short).result();
    expect(ran("encodeVision")).toBe(encoded);
    expect(again.reusedTokens).toBe(again.promptTokens - 1);
  });

  test("of a single question are not hashed", async () => {
    const digest = vi.spyOn(crypto.subtle, "digest");
    try {
      await atOnce([shown("What?", picture(1))]);
      expect(digest).not.toHaveBeenCalled();
      await using talk = model.converse();
      await talk.ask(shown("What?", picture(1)), short).result();
      expect(digest).toHaveBeenCalledTimes(2);
      // Nor are those again that a conversation knows.
      await talk.ask("Where?", short).result();
      expect(digest).toHaveBeenCalledTimes(2);
    } finally {
      digest.mockRestore();
    }
  });

  test("are told apart: another picture of the same size is computed", async () => {
    await using talk = model.converse();
    const first = await talk.ask(shown("What?", picture(1)), short).result();
    await talk.truncate(0);
    runs.length = 0;
    const other = await talk.ask(shown("What?", picture(2)), short).result();
    expect(ran("encodeVision")).toBe(1);
    expect(other.promptTokens).toBe(first.promptTokens);
    // What stands before the picture is the same.
    expect(other.reusedTokens).toBe(model.tokenizer.encode("<|im_start|>user\n", { allowSpecial: true }).length);
    expect(other.tokenIds).toEqual((await atOnce([shown("What?", picture(2))])).tokenIds);
    // One value of one pixel makes another picture.
    await talk.truncate(0);
    const nearly = picture(2);
    nearly.data[nearly.data.length - 1]! ^= 1;
    expect((await talk.ask(shown("What?", nearly), short).result()).reusedTokens).toBe(other.reusedTokens);
    // So does the same data under other sides.
    await talk.truncate(0);
    const turned = { ...nearly, width: nearly.height, height: nearly.width };
    expect((await talk.ask(shown("What?", turned), short).result()).reusedTokens).toBe(other.reusedTokens);
  });

  test("are told apart by merging, pruning, sides and resizing", async () => {
    const video = clip("What?", 0, 0, 1, 2);
    const first: AskOptions = { ...short, merge: 2, prune: "pixel" };
    const same: AskOptions[] = [{ merge: undefined }, { prune: { rule: "pixel", threshold: 0.1, minTokens: 1 } }];
    const others: AskOptions[] = [
      { merge: 1 },
      { prune: "off" },
      { prune: "pixel255" },
      { prune: { rule: "pixel", threshold: 0.2 } },
      { prune: { rule: "pixel", minTokens: 2 } },
      { aspect: "transposed" },
      { passOrder: "pillow12" },
    ];
    const before = model.tokenizer.encode("<|im_start|>user\nTime 0.0s:", { allowSpecial: true }).length;
    await using asked = model.converse();
    await asked.ask(video, first).result();
    for (const [i, changed] of [...same, ...others].entries()) {
      await using talk = await asked.fork();
      await talk.truncate(0);
      runs.length = 0;
      const again = await talk.ask(video, { ...first, ...changed }).result();
      const isSame = i < same.length;
      expect(ran("encodeVision"), JSON.stringify(changed)).toBe(isSame ? 0 : 1);
      if (isSame) expect(again.reusedTokens).toBe(again.promptTokens - 1);
      else expect(again.reusedTokens).toBe(before);
      expect(again.tokenIds).toEqual((await atOnce([video], { ...first, ...changed })).tokenIds);
    }
  });

  test("that are cut up otherwise because of a later one are computed again", async () => {
    await using talk = model.converse();
    const first = await talk.ask(shown("What?", picture(1)), short).result();
    expect(first.visualTokens.all).toBe(24);
    // With a clip everything is merged two by two.
    const second = await talk.ask(clip("And?", 3, 4), short).result();
    expect(second.reusedTokens).toBeLessThan(10);
    expect(second.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
    expect(talk.messages).toHaveLength(4);
  });

  test("whose bytes were changed are not taken for what they were", async () => {
    await using talk = model.converse();
    const image = picture(1);
    const first = await talk.ask(shown("What?", image), short).result();
    const whole = [shown("What?", picture(1)), ...talk.messages.slice(1), { role: "user", content: "Where?" }] as const;
    image.data.fill(7);
    const second = await talk.ask("Where?", short).result();
    expect(second.tokenIds).toEqual((await atOnce(whole)).tokenIds);
    expect(second.reusedTokens).toBeGreaterThan(first.promptTokens - 2);
    // Where the pixels are needed again, there are none.
    await expect(talk.ask("Well?", { ...short, merge: 2 }).result()).rejects.toMatchObject({
      name: "EngineError",
      code: "content-changed",
    });
    expect(talk.messages).toHaveLength(4);
    expect((await talk.ask("Well?", short).result()).reusedTokens).toBeGreaterThan(second.promptTokens - 2);
  });
});

describe("prefill", () => {
  test("computes what there is, once", async () => {
    await using talk = model.converse({ messages: [system] });
    const held = await talk.prefill();
    expect(computed()).toBe(held);
    expect(await talk.prefill()).toBe(held);
    expect(computed()).toBe(held);
    const answer = await talk.ask("What?", short).result();
    expect(answer.reusedTokens).toBe(held);
    expect(answer.tokenIds).toEqual((await atOnce([system, { role: "user", content: "What?" }])).tokenIds);
    await using nothing = model.converse();
    expect(await nothing.prefill()).toBe(0);
    await expect(nothing.prefill({ maxTokens: 3 } as never)).rejects.toMatchObject({ code: "option-invalid" });
  });

  test("is shared by all forks", async () => {
    await using talk = model.converse({ messages: [shown("This is the scan.", picture(1))] });
    const held = await talk.prefill();
    const questions = ["One?", "Two, and more?", "Three"];
    const forks = await Promise.all(questions.map(() => talk.fork()));
    runs.length = 0;
    const results = await Promise.all(forks.map((fork, i) => fork.ask(questions[i]!, short).result()));
    expect([ran("encodeVision"), ran("embedVisual")]).toEqual([0, 0]);
    for (const [i, result] of results.entries()) {
      expect(result.reusedTokens).toBe(held);
      expect(result.tokenIds).toEqual(
        (await atOnce([...talk.messages, { role: "user", content: questions[i]! }])).tokenIds,
      );
      await forks[i]!.dispose();
    }
    expect(talk.messages).toHaveLength(1);
    expect((await talk.ask("Four?", short).result()).reusedTokens).toBe(held);
  });
});

describe("truncate", () => {
  test("forgets messages, and what is left is held", async () => {
    await using talk = model.converse({ messages: [system] });
    const first = await talk.ask("What is it?", saying("A nodule.")).result();
    await talk.ask("Where?", short).result();
    await talk.truncate(3);
    expect(talk.messages).toHaveLength(3);
    const other = await talk.ask("How large?", short).result();
    expect(other.reusedTokens).toBeGreaterThanOrEqual(first.promptTokens + first.tokenIds.length - 1);
    expect(other.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
  });

  test("and an edit: what comes behind it is computed", async () => {
    await using talk = model.converse({ messages: [system] });
    await talk.ask("What is it?", saying("A nodule.")).result();
    await talk.ask("Where?", short).result();
    const [, , , ...later] = talk.messages;
    await talk.truncate(1);
    const edited = [
      { role: "user", content: "What is this?" },
      { role: "assistant", content: "A cyst." },
    ] as const;
    const result = await talk.ask([...edited, later[0]!], short).result();
    expect(result.reusedTokens).toBeGreaterThan(await lengthOf([system]));
    expect(result.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
    async function lengthOf(messages: readonly Message[]) {
      await using alone = model.converse({ messages });
      return await alone.prefill();
    }
  });

  test("refuses what is no number of messages", async () => {
    await using talk = model.converse({ messages: [system] });
    for (const n of [-1, 2, 0.5, Number.NaN, "1" as never])
      await expect(talk.truncate(n)).rejects.toThrow(
        `truncate: messages is ${n}; it must be a whole number from 0 to 1`,
      );
  });
});

describe("an answer that does not end", () => {
  const begun = async () => {
    const talk = model.converse({ messages: [system] });
    await talk.ask("What is it?", saying("A nodule.")).result();
    return talk;
  };
  /** That the conversation is as it was, and of use. */
  const unharmed = async (talk: Awaited<ReturnType<typeof begun>>) => {
    expect(talk.messages).toHaveLength(3);
    const next = await talk.ask("Where?", short).result();
    expect(next.reusedTokens).toBeGreaterThan(20);
    expect(next.tokenIds).toEqual((await atOnce(talk.messages.slice(0, -1))).tokenIds);
    await talk.dispose();
  };

  test("because it is left early", async () => {
    const talk = await begun();
    for await (const _ of talk.ask("Why?", saying("Because of that")).pieces()) break;
    await unharmed(talk);
  });

  test("because it is aborted, before, in the middle of the prompt, or of the answer", async () => {
    for (const after of [0, 1, 2, 3, 6]) {
      const talk = await begun();
      const control = new AbortController();
      const reason = new Error("enough");
      let steps = 0;
      const processLogits = () => {
        if (++steps === after) control.abort(reason);
      };
      if (after === 0) control.abort(reason);
      const answer = talk.ask(shown("Why?", picture(3)), { maxTokens: 9, processLogits, signal: control.signal });
      await expect(answer.result()).rejects.toBe(reason);
      await unharmed(talk);
    }
  });

  test("because something fails", async () => {
    const talk = await begun();
    const processLogits = () => {
      throw new Error("no");
    };
    await expect(talk.ask("Why?", { processLogits }).result()).rejects.toThrow("no");
    const broken: Message = { role: "user", content: [{ type: "image", image: new Uint8Array(3) }] };
    await expect(talk.ask(broken).result()).rejects.toMatchObject({ code: "input-format" });
    await unharmed(talk);
  });

  test("because the context is full: the conversation is of use with less", async () => {
    const small = await load(folder, { backend: reference, worker: false, contextLength: 64 });
    await using talk = small.converse();
    const first = await talk.ask("Hi", short).result();
    await expect(talk.ask("many words ".repeat(40), short).result()).rejects.toMatchObject({ code: "prompt-too-long" });
    await expect(talk.ask(shown("a", picture(1), picture(2)), short).result()).rejects.toMatchObject({
      code: "prompt-too-long",
    });
    expect(talk.messages).toHaveLength(2);
    const next = await talk.ask("Well?", short).result();
    expect(next.reusedTokens).toBeGreaterThan(first.promptTokens - 1);
    await small.dispose();
  });
});

describe("one thing at a time", () => {
  test("what comes between is refused, and what is asked for afterwards is not", async () => {
    await using talk = model.converse({ messages: [system] });
    const later = talk.ask("And?", short);
    const answer = talk.ask("What?", saying("one two"));
    const busy = { name: "EngineError", code: "conversation-busy" };
    const fork = await talk.fork();
    let refused = 0;
    for await (const _ of answer) {
      if (refused++ > 0) continue;
      for (const other of [
        () => talk.ask("Now?", short).result(),
        () => talk.prefill(),
        () => talk.fork(),
        () => talk.truncate(0),
      ])
        await expect(other()).rejects.toMatchObject(busy);
      // A fork of before, and other conversations, go on beside it.
      await fork.ask("Now?", short).result();
    }
    expect(refused).toBeGreaterThan(0);
    await later.result();
    expect(talk.messages.map((m) => m.content).slice(1, 4)).toEqual(["What?", "one two", "And?"]);
    await fork.dispose();
  });

  test("two conversations go on side by side", async () => {
    const talks = [model.converse({ messages: [system] }), model.converse()];
    for (const question of ["What?", "Where?"])
      await Promise.all(talks.map((talk) => talk.ask(question, short).result()));
    for (const talk of talks) {
      const whole = await atOnce(talk.messages.slice(0, -1));
      expect(talk.messages.at(-1)!.content).toBe(whole.text);
      await talk.dispose();
    }
  });
});

describe("what cannot be", () => {
  test("is refused at once", async () => {
    await using talk = model.converse();
    expect(() => talk.ask("")).toThrow(expect.objectContaining({ code: "prompt-empty" }));
    expect(() => talk.ask([])).toThrow(expect.objectContaining({ code: "prompt-empty" }));
    for (const turn of [null, 5, [null], { role: "robot", content: "" }])
      expect(() => talk.ask(turn as never)).toThrow(expect.objectContaining({ code: "content-invalid" }));
    expect(() => talk.ask("?", { maxtokens: 3 } as never)).toThrow(expect.objectContaining({ code: "option-invalid" }));
    expect(() => talk.ask("?", { temperature: -1 })).toThrow(expect.objectContaining({ name: "GenerationError" }));
    for (const options of [null, { message: [] }, { messages: "x" }, { messages: {} }])
      expect(() => model.converse(options as never)).toThrow(expect.objectContaining({ code: "option-invalid" }));
    expect(() => model.converse({ messages: [{ role: "user" }] as never })).toThrow(
      expect.objectContaining({ code: "content-invalid" }),
    );
  });

  test("once disposed, the conversation or its model", async () => {
    const talk = model.converse({ messages: [system] });
    await talk.ask("What?", short).result();
    await talk[Symbol.asyncDispose]();
    await talk.dispose();
    const gone = { name: "EngineError", code: "disposed", message: "the conversation was disposed" };
    await expect(talk.ask("?").result()).rejects.toMatchObject(gone);
    await expect(talk.prefill()).rejects.toMatchObject(gone);
    await expect(talk.fork()).rejects.toMatchObject(gone);
    await expect(talk.truncate(0)).rejects.toMatchObject(gone);
    const other = await load(folder, { backend: reference, worker: false });
    const orphan = other.converse();
    await other.dispose();
    await expect(orphan.ask("?").result()).rejects.toMatchObject({ code: "disposed" });
    expect(() => other.converse()).toThrow(expect.objectContaining({ code: "disposed" }));
  });

  test("disposed of in the midst of its work, it says so, and what was made meanwhile is free", async () => {
    const held = new Set<object>();
    let at = "";
    let dispose = async () => {};
    const watching: Backend = {
      ...reference,
      compile: async (...args) => {
        const executable = await reference.compile(...args);
        return {
          ...executable,
          run: async (program, inputs, options) => {
            const results = await executable.run(program, inputs, options);
            if (program === at) await dispose();
            if (program !== "project") return results;
            const visual = results.visual!;
            held.add(visual);
            return { visual: { ...visual, dispose: () => void held.delete(visual) } };
          },
        };
      },
    };
    await using other = await load(folder, { backend: watching, worker: false });
    for (at of ["encodeVision", "project", "step"]) {
      const talk = other.converse();
      let made = 0;
      dispose = async () => {
        made++;
        await talk.dispose();
      };
      await expect(talk.ask([shown("What?", picture(1), picture(2))], short).result()).rejects.toMatchObject({
        name: "EngineError",
        code: "disposed",
      });
      expect([made > 0, held.size]).toEqual([true, 0]);
    }
  });

  test("what the caller does to its lists afterwards is nothing to the conversation", async () => {
    const content: Part[] = [{ type: "text", text: "What?" }];
    const messages: Message[] = [{ role: "user", content }];
    await using talk = model.converse({ messages });
    content.push({ type: "text", text: " And more?" });
    messages.push(system);
    expect(talk.messages).toEqual([{ role: "user", content: [{ type: "text", text: "What?" }] }]);
  });
});
