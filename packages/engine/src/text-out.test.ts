import { removeThinking, type Tokenizer } from "@hulu/processor";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Piece } from "./answer.js";
import { TextOut, type ThinkingMode } from "./text-out.js";

/** A tokenizer of which every id is a character, so that tags come in as many pieces as there are. */
const characters = {
  stream: () => ({ push: (id: number) => String.fromCodePoint(id), end: () => "" }),
} as unknown as Tokenizer;

function told(said: string, mode: ThinkingMode, stop: readonly string[] = []) {
  const out = new TextOut(characters, stop, mode);
  const pieces: Piece[] = [];
  for (const c of said) {
    if (out.stopped) break;
    pieces.push(...out.push(c.codePointAt(0)!));
  }
  pieces.push(...out.end());
  const joined = (kind: Piece["kind"]) =>
    pieces
      .filter((p) => p.kind === kind)
      .map((p) => p.text)
      .join("");
  expect(pieces.every((p) => p.text !== "")).toBe(true);
  expect([joined("answer"), joined("thinking")]).toEqual([out.text, out.thinking]);
  return { text: out.text, thinking: out.thinking, pieces };
}

const bits = fc.array(fc.constantFrom("<think>", "</think>", "<", "<thin", "/", "a", "b", " ", "\n", "\t\n"), {
  maxLength: 16,
});

test("hidden: the pieces join to what the whole becomes without its thinking", () => {
  fc.assert(
    fc.property(bits, (said) => {
      expect(told(said.join(""), "hidden")).toMatchObject({ text: removeThinking(said.join("")), thinking: "" });
    }),
    { numRuns: 1000 },
  );
});

test("inline: the text as it is; apart: nothing but the tags is lost", () => {
  fc.assert(
    fc.property(bits, (said) => {
      const whole = said.join("");
      expect(told(whole, "inline").text).toBe(whole);
      const { text, thinking } = told(whole, "apart");
      const letters = (s: string) =>
        [...s.replaceAll("<think>", "").replaceAll("</think>", "")].filter((c) => c === "a" || c === "b").length;
      expect(letters(text) + letters(thinking)).toBe(letters(whole));
    }),
  );
});

test("hidden: what is certain is shown at once, what may change waits", () => {
  const shownAfter = (said: string) => {
    const out = new TextOut(characters, [], "hidden");
    for (const c of said) out.push(c.codePointAt(0)!);
    return out.text;
  };
  expect(shownAfter("an answer")).toBe("an answer");
  expect(shownAfter("a <")).toBe("a");
  expect(shownAfter("a <b")).toBe("a <b");
  expect(shownAfter("a \n")).toBe("a");
  expect(shownAfter("<think>x</think>b")).toBe("b");
  expect(shownAfter("b<think>x")).toBe("b");
  expect(told("b<think>x", "hidden").text).toBe("b<think>x");
  expect(told("a</think>b", "hidden").text).toBe("a</think>b");
});

test("a stop string ends thinking and answer alike", () => {
  expect(told("one STOP two", "inline", ["STOP"]).text).toBe("one ");
  expect(told("<think>one STOP</think> two", "apart", ["STOP"])).toMatchObject({ thinking: "one ", text: "" });
  expect(told("no ST", "hidden", ["STOP"]).text).toBe("no ST");
});
