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

it("takes a conversation whose texts lie 64 deep, and no deeper", () => {
  const nested = (levels: number): unknown => (levels === 0 ? "<image>" : [nested(levels - 1)]);
  // A text of a message is 2 deep: in the message, in the list of messages.
  const at = (depth: number) =>
    maskConversation([{ role: "user", content: "", x: nested(depth - 2) }], tokenizer, "<image>");
  expect(JSON.stringify(at(64).conversation)).toContain('["\uE000image>"]');
  expect(codeOf(() => at(65))).toBe("chat-conversation");
});
