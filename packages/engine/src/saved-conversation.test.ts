import { reference } from "@hulu/backend-reference";
import { readArchive, SessionError, writeArchive } from "@hulu/core";
import { float } from "@hulu/processor";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AskOptions, type Conversation, EngineError, type LocalModel, load, type Message } from "./index.js";

const folder = "test/data/goldens/q3-p16";
const short: AskOptions = { maxTokens: 4 };
const picture = (seed: number, width = 64, height = 64) => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + seed * 90) % 256),
  width,
  height,
});
const scan = (seed: number): Message => ({
  role: "user",
  content: [
    { type: "text", text: "Look: \u00e9\ud800" },
    { type: "image", image: picture(seed), time: float(3) },
    { type: "video", frames: [picture(1), picture(1), picture(2)], timestamps: [0, 0.5, 7] },
    { type: "text", text: "What is it?" },
  ],
});

let model: LocalModel;
let full: Conversation;
let saved: Uint8Array;
let tiny: Uint8Array;
beforeAll(async () => {
  model = await load(folder, { backend: reference, worker: false });
  full = model.converse({ messages: [{ role: "system", content: "Be brief." }] });
  await full.ask(scan(0), short).result();
  saved = await full.save();
  await using little = model.converse();
  tiny = await little.save();
});
afterAll(() => model.dispose());

const invalid = { name: "EngineError", code: "saved-invalid" };
/** That bytes are refused by name, whatever they are. */
async function refused(bytes: Uint8Array): Promise<void> {
  const outcome = await model.restore(bytes).then(
    (talk) => talk,
    (error: unknown) => error,
  );
  expect(outcome).toSatisfy((e) => e instanceof EngineError || e instanceof SessionError);
}

describe("a conversation that was saved", () => {
  test("goes on where it was, with nothing computed again", async () => {
    await using back = await model.restore(saved);
    await using same = await full.fork();
    const [a, b] = [await back.ask("Where?", short).result(), await same.ask("Where?", short).result()];
    expect(a.tokenIds).toEqual(b.tokenIds);
    expect([a.reusedTokens, a.promptTokens, a.visualTokens]).toEqual([b.reusedTokens, b.promptTokens, b.visualTokens]);
    expect(a.reusedTokens).toBeGreaterThan(60);
    expect(back.messages).toHaveLength(5);
    // Saved once more, restored once more, told otherwise.
    await back.truncate(3);
    const twice = await model.restore(await back.save());
    expect((await twice.ask("Where?", short).result()).tokenIds).toEqual(b.tokenIds);
    await twice.dispose();
  });

  test("in another process: the same checkpoint loaded anew", async () => {
    await using other = await load(folder, { backend: reference, worker: false });
    await using back = await other.restore(saved);
    await using same = await full.fork();
    const [a, b] = [await back.ask("Where?", short).result(), await same.ask("Where?", short).result()];
    expect([a.tokenIds, a.reusedTokens]).toEqual([b.tokenIds, b.reusedTokens]);
  });

  test("has its messages, and of each picture what stands for it", async () => {
    await using back = await model.restore(saved);
    const [system, question, answer] = back.messages;
    expect([system, answer]).toEqual([full.messages[0], full.messages[2]]);
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(question).toEqual({
      role: "user",
      content: [
        { type: "text", text: "Look: \u00e9\ud800" },
        { type: "remembered", shows: "image", hash, frames: 1, height: 64, width: 64, time: float(3) },
        {
          ...{ type: "remembered", shows: "video", hash, frames: 3, height: 64, width: 64 },
          timestamps: [float(0), float(0.5), float(7)],
        },
        { type: "text", text: "What is it?" },
      ],
    });
  });

  test("takes pictures: those of before are known, others are encoded", async () => {
    await using back = await model.restore(saved);
    await using same = await full.fork();
    const again: Message = { role: "user", content: [{ type: "image", image: picture(0) }] };
    const other: Message = { role: "user", content: [{ type: "image", image: picture(5) }] };
    for (const turn of [again, other, again]) {
      const [a, b] = [await back.ask(turn, short).result(), await same.ask(turn, short).result()];
      expect([a.tokenIds, a.reusedTokens]).toEqual([b.tokenIds, b.reusedTokens]);
    }
  });

  test("computes positions again from rows that were saved", async () => {
    await using back = await model.restore(saved);
    const [, question] = back.messages;
    await back.truncate(0);
    const edited = [{ role: "system", content: "Be very brief." }, question!] as const;
    const result = await back.ask(edited, short).result();
    const whole = await model.ask([edited[0], scan(0)], short).result();
    expect(result.tokenIds).toEqual(whole.tokenIds);
    expect(result.reusedTokens).toBeLessThan(10);
  });

  test("without the pixels cannot be cut up otherwise, and says so", async () => {
    await using back = await model.restore(saved);
    for (const options of [{ merge: 1 }, { prune: "off" }] as const)
      await expect(back.ask("Where?", { ...short, ...options }).result()).rejects.toMatchObject({
        name: "EngineError",
        code: "visual-forgotten",
      });
    expect(back.messages).toHaveLength(3);
    expect((await back.ask("Where?", short).result()).reusedTokens).toBeGreaterThan(60);
    await expect(model.ask(back.messages.slice(0, 2)).result()).rejects.toMatchObject({ code: "visual-forgotten" });
  });

  test("that has computed nothing yet computes its pictures first", async () => {
    await using empty = await model.restore(tiny);
    expect(empty.messages).toEqual([]);
    expect((await empty.ask("Hi", short).result()).tokenIds).toEqual((await model.ask("Hi", short).result()).tokenIds);
    await using fresh = model.converse({ messages: [scan(0)] });
    await using back = await model.restore(await fresh.save());
    const result = await back.ask([], short).result();
    expect(result.reusedTokens).toBeGreaterThan(40);
    expect(result.tokenIds).toEqual((await model.ask([scan(0)], short).result()).tokenIds);
    // Text needs no computing.
    await using text = model.converse({ messages: [{ role: "user", content: "Hi" }] });
    await using told = await model.restore(await text.save());
    expect((await told.ask([], short).result()).reusedTokens).toBe(0);
  });

  test("is one safetensors file without pixels", () => {
    const { metadata, tensors } = readArchive(saved);
    expect([...metadata.keys()].sort()).toEqual(["checksum", "digest", "format", "state", "version"]);
    expect([...tensors.keys()]).toEqual(["session", "visual.0", "visual.1"]);
  });
});

describe("what is not restored", () => {
  test("belongs to another model, or is longer than this one takes", async () => {
    const other = await load("test/data/goldens/q2-p14", { backend: reference, worker: false });
    for (const bytes of [saved, tiny]) {
      await expect(other.restore(bytes)).rejects.toThrow("belongs to other programs or weights");
      await expect(other.restore(bytes)).rejects.toBeInstanceOf(SessionError);
    }
    await other.dispose();
    const small = await load(folder, { backend: reference, worker: false, contextLength: 32 });
    await expect(small.restore(saved)).rejects.toThrow("more positions do not fit");
    await small.dispose();
  });

  test("is no saved conversation", async () => {
    for (const bytes of [null, undefined, "x", [1], {}])
      await expect(model.restore(bytes as never)).rejects.toMatchObject({ code: "option-invalid" });
    await expect(model.restore(new Uint8Array(0))).rejects.toMatchObject(invalid);
    await expect(model.restore(writeArchive([], {}))).rejects.toMatchObject({
      ...invalid,
      message: expect.stringContaining("it is another file"),
    });
    await expect(model.restore(writeArchive([], { format: "hulu-conversation", version: "2" }))).rejects.toMatchObject({
      ...invalid,
      message: expect.stringContaining("it is of version 2, and 1 can be read"),
    });
  });

  test("is cut or has one bit changed, anywhere", async () => {
    for (let n = 0; n < tiny.length; n++) await refused(tiny.slice(0, n));
    for (let i = 0; i < tiny.length; i++)
      for (let bit = 0; bit < 8; bit++) await refused(tiny.with(i, tiny[i]! ^ (1 << bit)));
    await fc.assert(
      fc.asyncProperty(fc.nat(saved.length - 1), fc.nat(7), async (i, bit) => {
        await refused(saved.with(i, saved[i]! ^ (1 << bit)));
        await refused(saved.slice(0, i));
      }),
      { numRuns: 60 },
    );
  });

  test("or fails by name later, though somebody changed it and made the sums right again", async () => {
    const state = JSON.parse(readArchive(saved).metadata.get("state")!);
    const hostile = [null, -1, 0.5, 1e9, 1e300, "x", [], {}, [null], [[]], { float: "x" }, "__proto__"];
    const question = ["messages", 1, "content"];
    const paths = [
      ["messages"],
      ["messages", 0],
      ["messages", 0, "role"],
      question,
      [...question, 0, "text"],
      [...question, 1],
      ...["type", "shows", "hash", "frames", "height", "width", "time"].map((key) => [...question, 1, key]),
      [...question, 2, "timestamps"],
      [...question, 2, "timestamps", 0],
      ["held"],
      ["held", 3],
      ["visuals"],
      ["visuals", 0],
      ["visuals", 0, "key"],
      ["visuals", 0, "keep"],
      ["sessionBytes"],
    ];
    let refusals = 0;
    const named = ["EngineError", "SessionError", "ProcessorError", "VisionError"];
    for (const path of paths)
      for (const to of hostile) {
        const changed = structuredClone(state);
        const at = path.slice(0, -1).reduce((x, key) => x[key], changed);
        at[path.at(-1)!] = to;
        const bytes = await forged(JSON.stringify(changed));
        const where = `${String(path)} = ${JSON.stringify(to)}`;
        try {
          await using back = await model.restore(bytes);
          await back.ask("Where?", { maxTokens: 1 }).result();
        } catch (error) {
          refusals++;
          expect(named, `${where}: ${error}`).toContain((error as Error).name);
        }
      }
    // The rest are texts, lists and times that may be.
    expect(refusals).toBeGreaterThan(0.8 * paths.length * hostile.length);
    await refused(await forged("[".repeat(100_000)));
    await refused(await forged('{"__proto__":1}'));
  });

  test("says that a clip had more frames than there is room for: asking is refused", async () => {
    const state = JSON.parse(readArchive(saved).metadata.get("state")!);
    for (const [key, value] of [
      ["frames", 1e9],
      ["height", 1e9],
      ["width", 1e15],
    ] as const) {
      const changed = structuredClone(state);
      changed.messages[1].content[2][key] = value;
      if (key === "frames") delete changed.messages[1].content[2].timestamps;
      await using back = await model.restore(await forged(JSON.stringify(changed)));
      await expect(back.ask("Where?", short).result()).rejects.toSatisfy(
        (e: Error) => e.name === "EngineError" || e.name === "ProcessorError",
      );
    }
  });

  /** The saved file with another state, under sums that fit. */
  async function forged(state: string): Promise<Uint8Array> {
    const { tensors } = readArchive(saved);
    const hash = async (bytes: Uint8Array) =>
      new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
    const all = [await hash(new TextEncoder().encode(state))];
    for (const { name, shape, data } of tensors.values()) {
      all.push(await hash(new TextEncoder().encode(JSON.stringify([name, shape]))));
      all.push(await hash(new Uint8Array(data.buffer)));
    }
    const digest = await hash(Uint8Array.from(all.flatMap((d) => [...d])));
    const hex = Array.from(digest, (b) => b.toString(16).padStart(2, "0")).join("");
    return writeArchive([...tensors.values()], { format: "hulu-conversation", version: "1", state, digest: hex });
  }

  test("where there is no SHA-256", async () => {
    const { subtle } = crypto;
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    try {
      await expect(model.restore(saved)).rejects.toMatchObject({ code: "sha256-missing" });
      await expect(full.save()).rejects.toMatchObject({ code: "sha256-missing" });
      // There every picture is another; the same one is still known.
      await using talk = model.converse();
      const part: Message = { role: "user", content: [{ type: "image", image: picture(0) }] };
      const first = await talk.ask(part, short).result();
      expect((await talk.ask("Where?", short).result()).reusedTokens).toBeGreaterThanOrEqual(first.promptTokens);
      await talk.truncate(0);
      expect((await talk.ask(part, short).result()).reusedTokens).toBeLessThan(10);
      const whole = await model.ask([part], short).result();
      expect(whole.tokenIds).toEqual(first.tokenIds);
    } finally {
      Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
    }
  });
});
