import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, failureOf } from "../test/fixtures.js";
import { decodeUtf8, JsonCursor } from "./json.js";

const cursorOf = (text: string) => new JsonCursor(text, { file: "f" }, "header-json");

function skipAll(text: string): void {
  const cursor = cursorOf(text);
  cursor.skip("it");
  cursor.end("it");
}

function parses(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

describe("JsonCursor", () => {
  it("accepts what JSON.parse accepts, whatever the white space", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 1, "\t", " \n"), (json, indent) => {
        skipAll(JSON.stringify(JSON.parse(json), null, indent));
      }),
    );
  });

  it("refuses what JSON.parse refuses", () => {
    // Text close to JSON: pieces of it in any order.
    const piece = fc.constantFrom(
      ..."{}[],:",
      '"a"',
      '"b"',
      "1",
      "-0",
      "01",
      "1.",
      ".5",
      "1e3",
      "+1",
      "1e",
      "true",
      " ",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const text = pieces.join("");
        let duplicate = false;
        const accepted = parses(() => {
          try {
            skipAll(text);
          } catch (error) {
            duplicate = (error as { code?: string }).code === "duplicate-key";
            throw error;
          }
        });
        if (!duplicate) expect([text, accepted]).toEqual([text, parses(() => JSON.parse(text))]);
      }),
      { numRuns: 5000 },
    );
  });

  it("reads every string as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.boolean(), (text, spelled) => {
        const json = JSON.stringify(text);
        const unit = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
        const escaped = spelled ? json.slice(1, -1).replace(/[^\\"nrtbfu0-9a-f]/g, unit) : json.slice(1, -1);
        expect(cursorOf(`"${escaped}"`).string("it", "header-json")).toBe(JSON.parse(`"${escaped}"`));
      }),
    );
  });

  it.each([
    '"',
    '"\\',
    '"\\"',
    '"\\x"',
    '"\\u12"',
    '"\n"',
    '"\u0000"',
    '"\u001f"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    "a",
    "",
  ])("refuses the string %j", async (text) => {
    expect(await codeOf(() => cursorOf(text).string("it", "header-json"))).toBe("header-json");
  });

  it("reads integers to the last safe one and nothing else", async () => {
    for (const value of [0, 7, 10, 2 ** 53 - 1]) expect(cursorOf(` ${value} `).integer("it", "bad-shape")).toBe(value);
    const others = [
      "-1",
      "-0",
      "1.0",
      "1e3",
      "01",
      "9007199254740992",
      "9".repeat(400),
      '"1"',
      "",
      "true",
      "+1",
      "[1]",
    ];
    for (const text of others) expect(await codeOf(() => cursorOf(text).integer("it", "bad-shape"))).toBe("bad-shape");
  });

  it("says where and what", async () => {
    const error = await failureOf(() => cursorOf('{"a" 1}').object("the header", () => {}));
    expect(error.message).toBe('f: found "1" at character 5; expected ":" in the header');
  });

  it("finds equal keys however they are spelled", async () => {
    expect(await codeOf(() => skipAll('{"a":1,"\\u0061":2}'))).toBe("duplicate-key");
    expect(await codeOf(() => skipAll('{"__proto__":1,"__proto__":2}'))).toBe("duplicate-key");
    skipAll('{"a":{"a":1},"b":{"a":1},"__proto__":1}');
  });

  it("goes 64 levels deep and no deeper, so that no text costs the stack", async () => {
    skipAll(`${"[".repeat(64)}1${"]".repeat(64)}`);
    for (const text of ["[".repeat(65) + "]".repeat(65), "[".repeat(100_000), '{"a":'.repeat(100_000)]) {
      expect((await failureOf(() => skipAll(text))).message).toContain("nested too deep");
    }
  });
});

it("decodeUtf8 refuses what is not UTF-8 and keeps a byte order mark to be refused", async () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    expect(await codeOf(() => decodeUtf8(Uint8Array.from(bytes), {}, "header-utf8"))).toBe("header-utf8");
  }
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b), {}, "header-utf8")).toBe("\ufeff{");
});
