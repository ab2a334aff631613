import { describe, expect, it } from "vitest";
import { codeOf, tokenizerOf } from "../../test/helpers.js";
import { maskConversation } from "./mask.js";

const tokenizer = tokenizerOf();
const privateUse = Array.from({ length: 0xf8ff - 0xe000 + 1 }, (_, i) => String.fromCharCode(0xe000 + i));
const mask = (used: readonly string[]) =>
  maskConversation([{ role: "user", content: `<image>${used.join("")}` }], tokenizer, "<image>");

describe("a text that uses the private use area", () => {
  it("is masked with the last character that is left, and is itself again", () => {
    const used = privateUse.slice(0, -1);
    const { conversation, unmask } = mask(used);
    expect(conversation[0]!.content).toBe(`\uF8FFimage>${used.join("")}`);
    expect(unmask(conversation[0]!.content as string)).toBe(`<image>${used.join("")}`);
  });

  it("is refused when none is left: what follows the area are letters", () => {
    expect(codeOf(() => mask(privateUse))).toBe("chat-conversation");
  });
});
