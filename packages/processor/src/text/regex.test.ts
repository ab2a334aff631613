import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProcessorError } from "../errors.js";
import { BoundedRegExp } from "./regex-match.js";

/** As tokenizer.json files of published models have them, in JavaScript's spelling. */
const published = {
  gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  qwen2:
    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  llama3:
    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  o200k:
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?:'[sS]|'[tT])?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?:'[sS]|'[tT])?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  deepseek:
    "[!\"#$%&'()*+,\\-.\\/:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  deepseekDigits: "\\p{N}{1,3}",
  deepseekCjk: "[一-龥぀-ゟ゠-ヿ]+",
  gemma: " ",
};
const odd = {
  lazy: "a+?b|.{2,3}?",
  lookbehind: "(?<=ab?)c|(?<![ab]x)[\\s\\S]",
  nested: "(?:(?:a|b)*c?)*d|(?:ab?){2,3}",
  empty: "(?:a*)*|b",
  edges: "^a|b$|(?=c)",
  captures: "(a)(b)?c|(?<name>d)",
};
const all = Object.entries({ ...published, ...odd });

const text = fc.string({
  unit: fc.constantFrom(..."aabbccddxAZé中ー' \t\n\r09.,-!\"\u0301😀\u2028\ud800", "'s", "'ll", "  ", "\n\n"),
  maxLength: 60,
});

describe("a regular expression from outside", () => {
  it.each(all)("finds what RegExp finds: %s", (_, source) => {
    const theirs = new RegExp(source, "gu");
    const ours = new BoundedRegExp(theirs);
    fc.assert(
      fc.property(text, (t) => {
        const places = (regex: RegExp) => [...t.matchAll(regex)].map((m) => [m.index, m[0]]);
        expect(places(ours)).toEqual(places(theirs));
        expect(t.match(ours)).toEqual(t.match(theirs));
        expect(t.replaceAll(ours, "<$&>")).toBe(t.replaceAll(theirs, "<$&>"));
        if (source !== odd.captures) expect(t.split(ours)).toEqual(t.split(theirs));
        expect(ours.test(t)).toBe(theirs.test(t));
        ours.lastIndex = theirs.lastIndex = 0;
      }),
      { numRuns: 300 },
    );
  });

  const long = 100_000;
  const texts = ["a", " ", "1", "A", "\n", " \n", "中", "!", "\u0301", "😀", "a ", " a"].map((unit) =>
    unit.repeat(long / unit.length),
  );
  it.each(Object.entries(published))("of a published tokenizer is linear: %s", (_, source) => {
    const ours = new BoundedRegExp(new RegExp(source, "gu"));
    for (const t of texts) {
      const begin = process.cpuUsage();
      t.match(ours);
      const { user } = process.cpuUsage(begin);
      expect(user / 1e6).toBeLessThan(1);
    }
  });

  it.each([
    "(a+)+$",
    "(a|a)*b",
    "(a|aa)+$",
    "(.*)*x",
    "(?:a*)*(?:a*)*b",
    "a*a*a*a*a*b",
    "(?=(a+)+b)a",
    "(?<=b(a|a)*)c",
    "a*b",
    "((a?){50}){20}b",
  ])("that tries too much is stopped: %s", (source) => {
    const ours = new BoundedRegExp(new RegExp(source, "gu"));
    const text = `${"a".repeat(long)}c!`;
    const begin = process.cpuUsage();
    expect(() => text.match(ours)).toThrow(expect.objectContaining({ code: "tokenizer-limit" }));
    expect(process.cpuUsage(begin).user / 1e6).toBeLessThan(1);
    expect(() => text.match(ours)).toThrow(ProcessorError);
  });

  it.each([
    ["a backreference", "(a)\\1"],
    ["a word boundary", "\\bword\\b"],
    ["repeats of repeats", "(?:(?:x?){100}){100}"],
    ["repeats of nothing", "(?:(?:){1000000000}a){3000}"],
    ["a long pattern", "x".repeat(20_001)],
  ])("that cannot be counted is refused: %s", (_, source) => {
    expect(() => new BoundedRegExp(new RegExp(source, "gu"))).toThrow(/the pattern/);
  });
});
