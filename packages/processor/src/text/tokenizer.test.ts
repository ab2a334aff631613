import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, jsonOf, tokenizerOf } from "../../test/helpers.js";
import { createTokenizer } from "./tokenizer.js";

const tokenizer = tokenizerOf();
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom("<image>", "<|im_end|>", "<think>", "</think>", "<", "image", "头痛", "👍", " ", "\n", "é"),
      { maxLength: 12 },
    )
    .map((a) => a.join("")),
);

describe("encode", () => {
  it("never gives an added token for a plain text, and decodes to it", () => {
    fc.assert(
      fc.property(text, (t) => {
        const ids = tokenizer.encode(t);
        expect(ids.every((id) => id < 499)).toBe(true);
        expect(tokenizer.decode(ids)).toBe(t.normalize("NFC"));
      }),
    );
  });

  it("finds added tokens where they are allowed", () => {
    expect(tokenizer.encode("a<image><|im_end|>b", { allowSpecial: true })).toEqual([
      ...tokenizer.encode("a"),
      500,
      502,
      ...tokenizer.encode("b"),
    ]);
    expect(tokenizer.encode("")).toEqual([]);
    expect(tokenizer.split("a<image>")).toMatchObject(["a", { id: 500, content: "<image>", special: true }]);
  });

  it("looks tokens up", () => {
    expect([
      tokenizer.idOf("<image>"),
      tokenizer.idOf("<nothing>"),
      tokenizer.tokenOf(502),
      tokenizer.tokenOf(9999),
    ]).toEqual([500, undefined, "<|im_end|>", undefined]);
    expect(tokenizer.vocabSize).toBe(505);
    expect([tokenizer.isSpecial(500), tokenizer.isSpecial(503), tokenizer.isSpecial(5)]).toEqual([true, false, false]);
    expect(tokenizer.addedTokens.map((t) => t.id)).toEqual([499, 500, 501, 502, 503, 504]);
  });

  it("obeys the strip rules of added tokens", () => {
    const json = jsonOf<{ added_tokens: Record<string, unknown>[] }>("goldens/tokenizer/tokenizer.json");
    json.added_tokens[1] = { ...json.added_tokens[1], lstrip: true };
    json.added_tokens[2] = { ...json.added_tokens[2], rstrip: true };
    const strips = createTokenizer(json);
    expect(strips.split("a <image> b")).toMatchObject(["a", { id: 500 }, " b"]);
    json.added_tokens.push({ id: 505, content: "[a-b/c.d+]" });
    expect(createTokenizer(json).split("[a-b/c.d+]!")).toMatchObject([{ id: 505 }, "!"]);
    expect(strips.split("a <|im_start|> b")).toMatchObject(["a ", { id: 501 }, "b"]);
  });
});

describe("decode and stream", () => {
  const ids = fc.array(fc.integer({ min: 0, max: 520 }), { maxLength: 40 });

  it("give the same text, whatever the ids, and no half character before its end", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          ids,
          text.map((t) => tokenizer.encode(t, { allowSpecial: true })),
        ),
        fc.boolean(),
        (list, skipSpecial) => {
          const stream = tokenizer.stream({ skipSpecial });
          const pieces = list.map((id) => stream.push(id));
          expect(pieces.join("") + stream.end()).toBe(tokenizer.decode(list, { skipSpecial }));
        },
      ),
      { numRuns: 300 },
    );
    const stream = tokenizer.stream();
    const emoji = tokenizer.encode("👍");
    expect(emoji.length).toBe(4);
    expect(emoji.map((id) => stream.push(id))).toEqual(["", "", "", "👍"]);
  });

  it("skip special tokens where asked, thinking tags stay", () => {
    expect(tokenizer.decode([501, 503, 504, 502], { skipSpecial: true })).toBe("<think></think>");
    expect(tokenizer.decode([501, 502])).toBe("<|im_start|><|im_end|>");
    expect(tokenizer.decode([])).toBe("");
  });

  it("give nothing for rows without a token, and refuse what is no id", () => {
    expect(tokenizer.decode([9999])).toBe("");
    expect(codeOf(() => tokenizer.decode([-1]))).toBe("tokenizer-id");
    expect(codeOf(() => tokenizer.stream().push(1.5))).toBe("tokenizer-id");
  });

  it("work for decoders that are not byte-level (SentencePiece with byte fallback)", () => {
    const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
    const vocab = Object.fromEntries(["<unk>", ...bytes, "▁a", "b", "▁c"].map((token, id) => [token, id]));
    const json = {
      model: { type: "BPE", vocab, merges: [], byte_fallback: true, unk_token: "<unk>" },
      decoder: {
        type: "Sequence",
        decoders: [
          { type: "Replace", pattern: { String: "▁" }, content: " " },
          { type: "ByteFallback" },
          { type: "Fuse" },
          { type: "Strip", content: " ", start: 1, stop: 0 },
        ],
      },
    };
    const words = createTokenizer(json);
    const thumb = [...new TextEncoder().encode("👍")].map((byte) => byte + 1);
    const list = [257, 258, ...thumb, 259];
    expect(words.decode(list)).toBe("ab👍 c");
    const stream = words.stream();
    expect([...list.map((id) => stream.push(id)), stream.end()]).toEqual(["a", "b", "", "", "", "👍", " c", ""]);
  });
});

describe("createTokenizer", () => {
  it.each([
    null,
    {},
    { model: {} },
    { model: { type: "Nonsense" } },
    { model: { type: "BPE", vocab: { a: 0 }, merges: [] }, added_tokens: [{ id: "x" }] },
  ])("names what it cannot read: %j", (json) => {
    expect(codeOf(() => createTokenizer(json))).toBe("tokenizer-invalid");
  });

  it.each([undefined, null, {}, [], "abc", 3])("refuses a model whose vocabulary is %j", (vocab) => {
    const json = jsonOf<{ model: { vocab: unknown } }>("goldens/tokenizer/tokenizer.json");
    expect(createTokenizer(json).encode("hi")).not.toEqual([]);
    json.model.vocab = vocab;
    expect(() => createTokenizer(json)).toThrow(
      expect.objectContaining({ code: "tokenizer-invalid", message: expect.stringContaining("model.vocab must be") }),
    );
  });

  it("does not let a model's own vocabulary name an added token", () => {
    const json = jsonOf<{ model: { vocab: Record<string, number>; ignore_merges: boolean }; pre_tokenizer: unknown }>(
      "goldens/tokenizer/tokenizer.json",
    );
    json.model.ignore_merges = true;
    json.pre_tokenizer = null;
    const lax = createTokenizer(json);
    expect(lax.encode("<image>")).not.toContain(500);
    expect(lax.encode("<image>", { allowSpecial: true })).toEqual([500]);
  });
});
