import { describe, expect, it } from "vitest";
import { createTokenizer } from "./tokenizer.js";

// What `tokenizers` 0.23 gives for the same tokenizer.json, token by token.
const letters = ["a", "s", "1", "2", "Ġ", "'", "Â", "²", "ħ", "ï", "»", "¿", "č", "Ċ"];
const merges = ["Ġ Â", "Â ²", "1 2", "1 Â²", "' s", "č Ċ", "Ġ Ġ"];
const vocab = Object.fromEntries([...letters, ...merges.map((m) => m.replace(" ", ""))].map((token, i) => [token, i]));

function tokens(steps: readonly object[], text: string): string[] {
  const tokenizer = createTokenizer({
    model: { type: "BPE", vocab, merges },
    pre_tokenizer: { type: "Sequence", pretokenizers: steps },
    decoder: { type: "ByteLevel" },
  });
  const ids = tokenizer.encode(text);
  expect(tokenizer.decode(ids)).toBe(text);
  return ids.map((id) => tokenizer.tokenOf(id)!);
}
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const digits = (each: boolean) => ({ type: "Digits", individual_digits: each });

describe("Digits", () => {
  it.each([
    ["12", ["1", "2"]],
    ["1²2", ["1", "Â²", "2"]],
    ["a ²", ["a", "Ġ", "Â²"]],
    ["a 12", ["a", "Ġ", "1", "2"]],
    ["  ²", ["ĠĠ", "Â²"]],
  ])("cuts every number of Unicode off: %j", (text, expected) => {
    expect(tokens([digits(true), byteLevel], text)).toEqual(expected);
  });

  it.each([
    ["12a", ["12", "a"]],
    ["1²a", ["1Â²", "a"]],
    ["a ²", ["a", "Ġ", "Â²"]],
  ])("together, unless each is asked for: %j", (text, expected) => {
    expect(tokens([digits(false), byteLevel], text)).toEqual(expected);
  });
});

describe("ByteLevel", () => {
  it.each([
    ["\ufeff's", ["ï", "»", "¿", "'", "s"]],
    ["a's", ["a", "'s"]],
    ["\r\n\ufeff", ["č", "Ċ", "ï", "»", "¿"]],
    ["\u0085's", ["Â", "ħ", "'s"]],
    ["a ²", ["a", "ĠÂ", "²"]],
  ])("cuts at Unicode's white space: %j", (text, expected) => {
    expect(tokens([byteLevel], text)).toEqual(expected);
  });

  it("cuts nothing where it is told so", () => {
    expect(tokens([{ ...byteLevel, use_regex: false }], "a's")).toEqual(["a", "'s"]);
    expect(tokens([{ ...byteLevel, use_regex: false }], "1²")).toEqual(["1Â²"]);
  });
});

it("a step that is not known is named", () => {
  expect(() => tokens([{ type: "Runes" }], "a")).toThrow('there is no PreTokenizer of the type "Runes" here');
});
