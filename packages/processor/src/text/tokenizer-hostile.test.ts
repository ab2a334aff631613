import { describe, expect, it, vi } from "vitest";
import { jsonOf } from "../../test/helpers.js";
import { ProcessorError } from "../errors.js";
import { createTokenizer } from "./tokenizer.js";

type Json = Record<string, any>;
const golden = () => jsonOf<Json>("goldens/tokenizer/tokenizer.json");
const changed = (change: (json: Json) => void): Json => {
  const json = golden();
  change(json);
  return json;
};
const model = (fields: Json) => changed((json) => Object.assign(json.model, fields));
const normalizer = (...normalizers: unknown[]) =>
  changed((json) => (json.normalizer = { type: "Sequence", normalizers }));
const cut = (step: unknown) => changed((json) => (json.pre_tokenizer = step));
const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
const nested = (depth: number) => {
  let step: unknown = { type: "NFC" };
  for (let i = 0; i < depth; i++) step = { type: "Sequence", normalizers: [step] };
  return step;
};
/** Seconds of a processor. */
const spent = (run: () => unknown) => {
  const begin = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
};

const refused: readonly (readonly [string, Json, string])[] = [
  ["an id of 1e9", model({ vocab: { ...golden().model.vocab, x: 1e9 } }), "ids from 0 to 16777215"],
  ["a negative id", model({ vocab: { ...golden().model.vocab, x: -1 } }), "ids from 0"],
  ["half an id", model({ vocab: { a: 0.5 } }), "ids from 0"],
  ["an id that is a text", model({ vocab: { a: "0" } }), "ids from 0"],
  ["a word of 2000 letters", model({ vocab: { ["a".repeat(2000)]: 0 } }), "more than 1024 characters"],
  ["another kind of model", model({ type: "Unigram", vocab: [["a", 0]] }), '"BPE" is'],
  ["merges that are no list", model({ merges: {} }), "merges must be a list"],
  ["a merge that is a number", model({ merges: [1] }), "pairs of words"],
  ["a merge of three", model({ merges: [["a", "b", "c"]] }), "pairs of words"],
  ["a suffix of a megabyte", model({ end_of_word_suffix: "a".repeat(1e6) }), "end_of_word_suffix"],
  ["added tokens that are no list", changed((j) => (j.added_tokens = {})), "added_tokens must be a list"],
  ["an added token of no id", changed((j) => j.added_tokens.push({ content: "x" })), "needs an id"],
  ["an added token of id 1e9", changed((j) => j.added_tokens.push({ content: "x", id: 1e9 })), "needs an id"],
  ["an added token of nothing", changed((j) => j.added_tokens.push({ content: "", id: 1 })), "needs an id"],
  [
    "too many added tokens",
    changed((j) => (j.added_tokens = Array.from({ length: 70_000 }, (_, id) => ({ id, content: `<${id}>` })))),
    "at most 65536",
  ],
  ["a normalizer of no type", normalizer({}), "with a type"],
  ["a normalizer of an unknown type", normalizer({ type: "__proto__" }), "can be read"],
  ["a decoder that is a text", changed((j) => (j.decoder = "ByteLevel")), "decoder must be an object"],
  ["100 normalizers", normalizer(...Array.from({ length: 100 }, () => ({ type: "NFC" }))), "more than 64"],
  ["normalizers 100 deep", normalizer(nested(100)), "more than 64"],
  [
    "a text that doubles ten times",
    normalizer(...Array.from({ length: 10 }, () => ({ type: "Replace", pattern: { String: "a" }, content: "aa" }))),
    "64 times longer",
  ],
  [
    "a replacement of a megabyte",
    normalizer({ type: "Replace", pattern: { String: "a" }, content: "a".repeat(1e6) }),
    "content",
  ],
  ["a replacement of no pattern", normalizer({ type: "Replace", content: "a" }), "pattern must be"],
  ["a cut of no pattern", cut({ type: "Split", behavior: "Isolated" }), "pattern must be"],
  ["a cut by a number", cut({ type: "Split", pattern: { Regex: 7 } }), "pattern must be"],
  ["pieces of no characters", cut({ type: "FixedLength", length: 0 }), "length must be a whole number from 1"],
  ["pieces of -1 characters", cut({ type: "FixedLength", length: -1 }), "length must be"],
  ["a prefix that is a list", normalizer({ type: "Prepend", prepend: [] }), "prepend must be"],
  ["a pattern that is none", cut(split("(")), "a pattern is no regular expression (Unterminated group)"],
  [
    "a pattern with a backreference",
    cut(split("(a)\\1")),
    "expression of the step Split cannot be used: the pattern has a Backreference",
  ],
  ["a pattern of repeats of repeats", cut(split("((x?){100}){100}")), "too large once its repeats are written out"],
  ["a pattern of 10,000 brackets", cut(split("(".repeat(9000) + ")".repeat(9000))), "nested too deep"],
];

describe("a tokenizer.json of a stranger", () => {
  it.each(refused)("%s is refused", (_, json, message) => {
    const warn = vi.spyOn(console, "warn");
    expect(() => createTokenizer(json)).toThrow(
      expect.objectContaining({ code: "tokenizer-invalid", message: expect.stringContaining(message) }),
    );
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it("may have words with the names of a prototype", () => {
    const words = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const json = golden();
    // As JSON.parse gives it: an own field.
    json.model.vocab = JSON.parse(
      JSON.stringify(json.model.vocab).replace(/\}$/, `,${words.map((w, i) => `"${w}":${600 + i}`)}}`),
    );
    json.model.ignore_merges = true;
    json.pre_tokenizer = null;
    json.added_tokens = JSON.parse(
      '[{"id": 700, "content": "__proto__x", "special": true}, {"id": 701, "content": "valueOf"}]',
    );
    const tokenizer = createTokenizer(json);
    for (const [i, word] of words.entries()) {
      expect(tokenizer.encode(word)).toEqual([600 + i]);
      expect(tokenizer.decode([600 + i])).toBe(word);
      expect(tokenizer.idOf(word)).toBe(600 + i);
    }
    expect(tokenizer.encode("__proto__xvalueOf", { allowSpecial: true })).toEqual([700, 701]);
    expect(createTokenizer(golden()).idOf("constructor")).toBeUndefined();
    expect(createTokenizer(golden()).idOf("__proto__")).toBeUndefined();
  });

  it.each(["(a+)+$", "(a|a)*b", "(.*)*x", "(x{1000}){1000}", "(?=(a+)+b)a", "a*b"])(
    "%s ends in time, whatever the text",
    (pattern) => {
      for (const json of [
        cut(split(pattern)),
        normalizer({ type: "Replace", pattern: { Regex: pattern }, content: "" }),
      ]) {
        const seconds = spent(() => {
          const tokenizer = createTokenizer(json);
          for (const text of [`${"a".repeat(30_000)}!`, "x".repeat(30_000)])
            try {
              tokenizer.encode(text);
            } catch (error) {
              expect(error).toBeInstanceOf(ProcessorError);
              expect(error).toMatchObject({ code: "tokenizer-limit" });
            }
        });
        expect(seconds).toBeLessThan(1);
      }
    },
  );
});

describe("a long text", () => {
  const doubles = Array.from({ length: 10 }, (_, i) => ["a".repeat(2 ** i), "a".repeat(2 ** i)] as const);
  const chain = Array.from({ length: 500 }, (_, i) => ["a".repeat(i + 1), "a"] as const);
  const bpe = (merges: readonly (readonly [string, string])[], more: Json = {}) => {
    const base = golden();
    const vocab = { ...base.model.vocab };
    for (const [i, [a, b]] of merges.entries()) vocab[a + b] ??= 600 + i;
    return createTokenizer({
      ...base,
      model: { ...base.model, vocab, merges: merges.map((m) => m.join(" ")), ...more },
    });
  };
  const tokenizers = [
    ["the golden one", createTokenizer(golden())],
    ["one that doubles", bpe(doubles)],
    ["one that takes letter by letter", bpe(chain)],
    ["one that ignores merges", bpe(doubles, { ignore_merges: true })],
  ] as const;

  it.each(tokenizers)("of one letter, of spaces or digits takes its length of time: %s", (name, tokenizer) => {
    for (const unit of name === "the golden one" ? ["a", " ", "1", "\n", "👍", "a ", "<image>"] : ["a", " "]) {
      const text = unit.repeat(100_000 / unit.length);
      let ids: number[] = [];
      expect(spent(() => (ids = tokenizer.encode(text)))).toBeLessThan(2);
      expect(spent(() => expect(tokenizer.decode(ids)).toBe(text))).toBeLessThan(2);
    }
    expect(spent(() => tokenizer.encode("<|im_start|>".repeat(10_000), { allowSpecial: true }))).toBeLessThan(2);
  });

  it("in which the vocabulary spells an added token everywhere", () => {
    const json = golden();
    json.model.ignore_merges = true;
    json.model.vocab["<image>"] = 500;
    json.pre_tokenizer = split("<image>");
    const tokenizer = createTokenizer(json);
    const text = "<image>".repeat(10_000);
    let ids: number[] = [];
    expect(spent(() => (ids = tokenizer.encode(text)))).toBeLessThan(2);
    expect(ids).not.toContain(500);
    expect(tokenizer.decode(ids)).toBe(text);
  });
});
