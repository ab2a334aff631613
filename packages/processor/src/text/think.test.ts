import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonOf } from "../../test/helpers.js";
import { removeThinking, type ThinkPiece, thinkSplitter } from "./think.js";

describe("removeThinking", () => {
  it.each(jsonOf<{ text: string; out: string }[]>("goldens/think.json"))("$text", ({ text, out }) => {
    expect(removeThinking(text)).toBe(out);
  });

  it("is the regular expression, and stays linear on many open tags", () => {
    const piece = fc.constantFrom("<think>", "</think>", "a", "\n", " ", "\u0085", "<", "think>");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join("");
        const space = "[\\s\\x1c-\\x1f\\x85]";
        const reference = text
          .replace(/<think>[\s\S]*?<\/think>/g, "")
          .replace(new RegExp(`\\n${space}*\\n`, "g"), "\n\n")
          .replace(new RegExp(`^${space}+|${space}+$`, "g"), "");
        expect(removeThinking(text)).toBe(reference);
      }),
      { numRuns: 500 },
    );
    const start = performance.now();
    removeThinking("<think>".repeat(200_000));
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe("thinkSplitter", () => {
  const split = (chunks: readonly string[], inside = false): ThinkPiece[] => {
    const splitter = thinkSplitter({ inside });
    return [...chunks.flatMap((c) => splitter.push(c)), ...splitter.end()];
  };
  const join = (pieces: readonly ThinkPiece[], kind: string) =>
    pieces
      .filter((p) => p.kind === kind)
      .map((p) => p.text)
      .join("");

  it("does not depend on how the text is cut", () => {
    const piece = fc.constantFrom("<think>", "</think>", "a", "<", "th", "ink>", "/", "\n");
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 20 }),
        fc.array(fc.nat(80), { maxLength: 10 }),
        fc.boolean(),
        (pieces, cuts, inside) => {
          const text = pieces.join("");
          const at = [0, ...cuts.map((c) => Math.min(c, text.length)).sort((a, b) => a - b), text.length];
          const chunks = at.slice(1).map((to, i) => text.slice(at[i], to));
          const [whole, cut] = [split([text], inside), split(chunks, inside)];
          expect(join(cut, "answer")).toBe(join(whole, "answer"));
          expect(join(cut, "thinking")).toBe(join(whole, "thinking"));
        },
      ),
    );
  });

  it("tells thinking from answer as it goes", () => {
    const splitter = thinkSplitter();
    expect(splitter.push("a<thi")).toEqual([{ kind: "answer", text: "a" }]);
    expect(splitter.push("nk>b")).toEqual([{ kind: "thinking", text: "b" }]);
    expect(splitter.push("c</think>d<")).toEqual([
      { kind: "thinking", text: "c" },
      { kind: "answer", text: "d" },
    ]);
    expect(splitter.end()).toEqual([{ kind: "answer", text: "<" }]);
    expect(split(["x</think>y"], true)).toEqual([
      { kind: "thinking", text: "x" },
      { kind: "answer", text: "y" },
    ]);
    expect(split(["</think>y"])).toEqual([{ kind: "answer", text: "</think>y" }]);
  });
});
