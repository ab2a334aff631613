import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { type AskOptions, type Conversation, type LocalModel, load, type Message, type Part } from "@hulu/engine";
import { effort } from "@hulu/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// Whatever is done to a conversation, a turn gives what the whole of it gives when it is asked at once; and of its prompt
// exactly those positions are reused that a plain list of what stands where says are the same.

/** Each conversation is also asked as a whole at every turn, on a slow interpreter, beside other tests. */
const MINUTES = (process.env.HULU_FUZZ === "many" ? 40 : 4) * 60_000;

const frame = (seed: number) => ({
  data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7 + seed * 90) % 256),
  width: 64,
  height: 64,
});

type Turn = { readonly text: string; readonly image?: number; readonly clip?: readonly number[] };
const parts = ({ text, image, clip }: Turn): Message => ({
  role: "user",
  content: [
    ...(image === undefined ? [] : [{ type: "image", image: frame(image) } as const]),
    ...(clip === undefined ? [] : [{ type: "video", frames: clip.map(frame) } as const]),
    { type: "text", text } as const,
  ],
});

const turn: fc.Arbitrary<Turn> = fc.record(
  {
    text: fc.constantFrom("What?", "Where is it?", "And <image> then?", ""),
    image: fc.nat(2),
    clip: fc.constantFrom([0, 0], [1, 2]),
  },
  { requiredKeys: ["text"] },
);
type Step =
  | { readonly is: "ask"; readonly turn: Turn }
  | { readonly is: "swap"; readonly at: number; readonly turn: Turn }
  | { readonly is: "truncate"; readonly at: number }
  | { readonly is: "fork" | "restore" | "prefill" | "leave" };
const step: fc.Arbitrary<{ readonly which: number; readonly step: Step; readonly options: AskOptions }> = fc.record({
  which: fc.nat(2),
  step: fc.oneof(
    { weight: 5, arbitrary: fc.record({ is: fc.constant("ask" as const), turn }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant("swap" as const), at: fc.nat(5), turn }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant("truncate" as const), at: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ is: fc.constantFrom("fork", "restore", "prefill", "leave") }) },
  ),
  options: fc.record(
    {
      temperature: fc.constantFrom(0, 3),
      seed: fc.nat(9),
      maxTokens: fc.integer({ min: 1, max: 4 }),
      merge: fc.constantFrom(1, 2),
      prune: fc.constantFrom("released", "pixel", "off"),
      thinking: fc.constantFrom("inline", "apart", "hidden"),
    },
    { requiredKeys: ["maxTokens"] },
  ),
});

/** A conversation beside what it should say and hold. */
interface Told {
  talk: Conversation;
  messages: Message[];
  /** What stands at each position that is held: a token, or a row of a picture under its cut. */
  held: readonly (string | number)[];
  /** Parts of which the conversation has no pixels, since it was restored. */
  forgotten: ReadonlySet<Part>;
  /** The pictures that it has encoded, under their cuts. */
  encoded: ReadonlySet<string>;
}
const begun = (talk: Conversation, messages: Message[]): Told => ({
  ...{ talk, messages, held: [] },
  ...{ forgotten: new Set(), encoded: new Set() },
});

describe.each([
  ["q3-p16", "reference", reference, 2],
  ["q2-p14", "reference", reference, 3],
  ["q3-p16", "onnx", onnx, 10],
] as const)("%s on %s", (name, _, backend, runs) => {
  let model: LocalModel;
  let imageToken: number;
  beforeAll(async () => {
    model = await load(`test/data/goldens/${name}`, { backend, worker: false });
    imageToken = (model.config as { imageToken?: number }).imageToken ?? model.tokenizer.idOf("<image>")!;
  });
  afterAll(() => model.dispose());

  /** The whole conversation at once: its answer, and what stands at each position of its prompt. */
  async function atOnce(messages: readonly Message[], options: AskOptions) {
    let ids: readonly number[] | undefined;
    const processLogits: AskOptions["processLogits"] = (_, context) => {
      ids ??= [...context.ids];
    };
    const result = await model.ask(messages, { ...options, processLogits }).result();
    const cuts = cutsOf(messages, options);
    const rows: string[] = [];
    for (const [part, cut] of cuts)
      for (let i = 0; i < (await keptOf(part, cut, options)); i++) rows.push(`${cut}/${i}`);
    return { result, positions: ids!.map((id) => (id === imageToken ? rows.shift()! : id)), cuts };
  }

  /** Each picture, and a name for it under its cut: which frames, merged how, pruned how. */
  function cutsOf(messages: readonly Message[], { merge, prune }: AskOptions): [Part, string][] {
    const visuals = visualsOf(messages);
    const cut = merge ?? (visuals.some((v) => v.type === "video") ? 2 : 1);
    return visuals.map((part) => {
      const frames = part.type === "video" ? part.frames! : [(part as Part & { type: "image" }).image];
      const seeds = frames.map((f) => String((f as ReturnType<typeof frame>).data[0]));
      return [part, `${seeds}/${cut}/${part.type === "video" ? (prune ?? "released") : "off"}`];
    });
  }
  const visualsOf = (messages: readonly Message[]): Part[] =>
    messages.flatMap(({ content }) => (typeof content === "string" ? [] : content.filter((p) => p.type !== "text")));

  const counts = new Map<string, number>();
  async function keptOf(part: Part, cut: string, options: AskOptions): Promise<number> {
    const alone = { ...options, merge: Number(cut.split("/")[1]), temperature: 0, maxTokens: 1 };
    if (!counts.has(cut))
      counts.set(cut, (await model.ask([{ role: "user", content: [part] }], alone).result()).visualTokens.kept);
    return counts.get(cut)!;
  }

  async function asked(one: Told, turns: readonly Message[], options: AskOptions): Promise<void> {
    const whole = [...one.messages, ...turns];
    if (whole.every(({ content }) => content === "" || (typeof content !== "string" && content.every(isEmpty)))) return;
    const { result: wanted, positions, cuts } = await atOnce(whole, options);
    if (lacksPixels(one, turns, cuts)) {
      await expect(one.talk.ask(turns, options).result()).rejects.toMatchObject({ code: "visual-forgotten" });
      expect(one.talk.messages).toHaveLength(one.messages.length);
      return;
    }
    const found = await one.talk.ask(turns, options).result();
    expect(found.tokenIds).toEqual(wanted.tokenIds);
    expect([found.text, found.thinking, found.stopReason]).toEqual([wanted.text, wanted.thinking, wanted.stopReason]);
    expect([found.promptTokens, found.visualTokens]).toEqual([wanted.promptTokens, wanted.visualTokens]);
    expect(found.reusedTokens).toBe(Math.min(common(one.held, positions), positions.length - 1));
    one.messages = [...whole, { role: "assistant", content: wanted.text }];
    one.held = [...positions, ...found.tokenIds.slice(0, -1)];
    one.encoded = new Set(cuts.map(([, cut]) => cut));
    // What was given again has its pixels again.
    const given = new Set(visualsOf(turns));
    one.forgotten = new Set([...one.forgotten].filter((part) => !given.has(part)));
  }
  const isEmpty = (part: Part) => part.type === "text" && part.text === "";
  const common = (a: readonly unknown[], b: readonly unknown[]) => {
    const differs = a.findIndex((x, i) => x !== b[i]);
    return differs < 0 ? a.length : differs;
  };

  /** Whether a picture must be encoded of which only the memory is there, and no other has its pixels. */
  function lacksPixels(one: Told, turns: readonly Message[], cuts: readonly [Part, string][]): boolean {
    const given = new Set(visualsOf(turns));
    const known = new Set([...one.encoded, ...cuts.flatMap(([part, cut]) => (given.has(part) ? [cut] : []))]);
    return cuts.some(([part, cut]) => !given.has(part) && one.forgotten.has(part) && !known.has(cut));
  }

  async function done(all: Told[], one: Told, step: Step, options: AskOptions): Promise<void> {
    switch (step.is) {
      case "ask":
        return asked(one, [parts(step.turn)], options);
      case "swap": {
        // Another first word or picture in an earlier turn, and all that followed as it was.
        const at = step.at % (one.messages.length + 1);
        const later = one.messages.slice(at + 1);
        await one.talk.truncate(at);
        one.messages = one.messages.slice(0, at);
        return asked(one, [parts(step.turn), ...later], options);
      }
      case "truncate": {
        const at = step.at % (one.messages.length + 1);
        await one.talk.truncate(at);
        one.messages = one.messages.slice(0, at);
        return;
      }
      case "fork":
        if (all.length < 3) all.push({ ...one, talk: await one.talk.fork() });
        return;
      case "restore": {
        // What was never computed is computed before it is saved.
        const unseen = one.encoded.size === 0 && visualsOf(one.messages).length > 0;
        if (unseen) await prefilled(one, {});
        const saved = await one.talk.save();
        await one.talk.dispose();
        one.talk = await model.restore(saved);
        one.forgotten = new Set(visualsOf(one.messages));
        return;
      }
      case "prefill": {
        const { merge, prune } = options;
        if (one.messages.length > 0 && !lacksPixels(one, [], cutsOf(one.messages, options)))
          await prefilled(one, { merge, prune });
        return;
      }
      case "leave":
        // What an answer left behind is not known here: it may only be right. A fork says so, and is thrown away.
        if (one.forgotten.size > 0) return;
        await left(one, options);
    }
  }

  async function prefilled(one: Told, options: Pick<AskOptions, "merge" | "prune">): Promise<void> {
    const { positions, cuts } = await atOnce(one.messages, { ...options, maxTokens: 1 });
    one.held = positions.slice(0, -opening());
    expect(await one.talk.prefill(options)).toBe(one.held.length);
    one.encoded = new Set(cuts.map(([, cut]) => cut));
  }

  async function left(one: Told, options: AskOptions): Promise<void> {
    await using talk = await one.talk.fork();
    const turns: Message[] = [{ role: "user", content: "Left" }];
    for await (const _ of talk.ask(turns, { ...options, maxTokens: 3 }).pieces()) break;
    expect(talk.messages).toEqual(one.talk.messages);
    const found = await talk.ask(turns, options).result();
    const wanted = await model.ask([...one.messages, ...turns], options).result();
    expect(found.tokenIds).toEqual(wanted.tokenIds);
    expect(found.reusedTokens).toBeGreaterThan(0);
  }
  /** How many tokens open an answer. */
  const opening = () => model.tokenizer.encode("<|im_start|>assistant\n", { allowSpecial: true }).length;

  test(
    "any conversation",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), async (steps) => {
          const messages: Message[] = [{ role: "system", content: "Be brief." }];
          const all: Told[] = [begun(model.converse({ messages }), messages)];
          try {
            for (const { which, step, options } of steps) await done(all, all[which % all.length]!, step, options);
          } finally {
            for (const { talk } of all) await talk.dispose();
          }
        }),
        // The same draws each time; HULU_SEED makes others.
        { seed: 2508, ...effort({ reference }, runs) },
      );
    },
    MINUTES,
  );
});
