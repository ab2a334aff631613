import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureOf } from "../test/server.js";
import { checkName, field, shardsOf, visionFolder } from "./names.js";
import { parseSource, sourceName } from "./source.js";

describe("parseSource", () => {
  test.each([
    ["hf:org/name", "org/name", "main"],
    ["hf:ZJU-AI4H/Hulu-Med-7B@v1.0", "ZJU-AI4H/Hulu-Med-7B", "v1.0"],
    ["hf:org/name@refs/pr/1", "org/name", "refs/pr/1"],
    ["hf:org/name@feature/a-b_c", "org/name", "feature/a-b_c"],
    [`hf:o/n@${"a".repeat(40)}`, "o/n", "a".repeat(40)],
  ])("%s", (text, repo, revision) => {
    expect(parseSource(text)).toEqual({ kind: "hub", repo, revision });
  });

  test.each([
    ["https://host/models/x", "https://host/models/x/"],
    ["https://host/models/x/?key=1#top", "https://host/models/x/?key=1"],
    ["HTTPS://Host", "https://host/"],
    ["http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x/"],
    ["https://huggingface.co/org/name/resolve/main", "https://huggingface.co/org/name/resolve/main/"],
  ])("%s", (text, href) => {
    expect(parseSource(text)).toEqual({ kind: "url", url: new URL(href) });
  });

  test.each(["models/x", "/models/x", "./hf", "C:\\models\\x", "C:/models", "~", "httpsfolder", "hfolder", "a@b"])(
    "%s is a folder",
    (path) => {
      expect(parseSource(path)).toEqual({ kind: "folder", path });
    },
  );

  test.each([
    "",
    "a\0b",
    "hf:",
    "hf:name",
    "hf:org/name/more",
    "hf:/name",
    "hf:org/",
    "hf://org/name",
    "hf:org/../x",
    "hf:org/..",
    "hf:org/a..b",
    "hf:org/a--b",
    "hf:org/-a",
    "hf:org/a.",
    "hf:org/a.git",
    "hf:org/na me",
    "hf:org/name?x",
    "hf:org/name#x",
    "hf:org\\name",
    `hf:org/${"a".repeat(97)}`,
    "HF:org/name",
    "hf:org/name@",
    "hf:org/name@../x",
    "hf:org/name@a..b",
    "hf:org/name@a//b",
    "hf:org/name@/a",
    "hf:org/name@a/",
    "hf:org/name@a b",
    "hf:org/name@a\nb",
    "hf:org/name@.a",
    "hf:org/name@a/.b",
    "hf:org/name@a.lock",
    "hf:org/name@a@{1}",
    "hf:org/name@-a",
    "hf:org/name@a\\b",
    `hf:org/name@${"a".repeat(201)}`,
    "http:x",
    "https://",
    "https://[x/",
    "https://user:s3cret@host/x",
    "https://s3cret@host/x",
    "https://host/x/model.safetensors",
    "https://host/x/config.json?y",
    "https://huggingface.co/org/name",
    "ftp://host/x",
    "file:///x",
    "s3://bucket/x",
  ])("%j is none", async (text) => {
    const error = await failureOf(() => parseSource(text));
    expect([error.code, error.message]).toEqual([
      "source-invalid",
      expect.stringMatching(/give a folder, https:.*, or hf:/),
    ]);
    expect(error.message).not.toContain("s3cret");
  });

  test("a page of the Hub says what to write", async () => {
    const error = await failureOf(() => parseSource("https://huggingface.co/org/name/"));
    expect(error.message).toContain("write hf:org/name;");
  });

  test("whatever the text, it is a source or an error of this package, and its name gives the source again", async () => {
    const part = fc.string({
      unit: fc.constantFrom("a", "Z", "0", "-", "_", ".", "/", "@", "\\", ":", " ", "\0", "é", "%"),
    });
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.tuple(fc.constantFrom("hf:", "https://h/", ""), part).map((p) => p.join("")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (text) => {
        let source: ReturnType<typeof parseSource>;
        try {
          source = parseSource(text);
        } catch {
          expect((await failureOf(() => parseSource(text))).code).toBe("source-invalid");
          return;
        }
        if (source.kind === "hub") {
          expect(source.repo).toMatch(/^[\w.-]+\/[\w.-]+$/);
          expect(`${source.repo}/${source.revision}`.split("/")).not.toContain("..");
        }
        expect(parseSource(sourceName(source))).toEqual(
          source.kind === "url" ? { ...source, url: withoutQuery(source.url) } : source,
        );
      }),
      { numRuns: 1000 },
    );
  });
});

function withoutQuery(url: URL): URL {
  const copy = new URL(url);
  copy.search = "";
  return copy;
}

describe("names from outside", () => {
  test.each(["config.json", "model-00001-of-00002.safetensors", "vision/tower/config.json", "a b.json", "ü.json"])(
    "%s is taken",
    (name) => {
      expect(checkName(name, "x")).toBe(name);
    },
  );

  test.each([
    "",
    ".",
    "..",
    "../x",
    "a/../x",
    "a//b",
    "/etc/passwd",
    "a/",
    "a\\b",
    "C:x",
    "C:\\x",
    "a:stream",
    "a\0",
    "a\nb",
    ".hidden",
    ".hulu.json",
    "a/.hulu.json",
    "x.",
    "x ",
    "con",
    "CON.safetensors",
    "a/nul.json",
    "lpt1",
    "a*b",
    "a?b",
    '"a"',
    "a|b",
    "\ud800",
    "x".repeat(201),
    "é".repeat(101),
    `${"a/".repeat(8)}a`,
  ])("%j is not", async (name) => {
    expect((await failureOf(() => checkName(name, "the index"))).code).toBe("name-invalid");
  });

  test("whatever is taken stays in its folder on every system", async () => {
    const { posix, win32 } = await import("node:path");
    const names = fc.array(
      fc.oneof(fc.string({ unit: "binary", maxLength: 6 }), fc.constantFrom("..", ".", "a", "", "C:", "a\\..\\b")),
      {
        maxLength: 5,
      },
    );
    let taken = 0;
    fc.assert(
      fc.property(names, (parts) => {
        const name = parts.join("/");
        try {
          checkName(name, "x");
        } catch {
          return;
        }
        taken++;
        expect(posix.relative("/cache", posix.resolve("/cache", name))).toBe(name);
        expect(win32.relative("C:\\cache", win32.resolve("C:\\cache", name)).replaceAll("\\", "/")).toBe(name);
      }),
      { numRuns: 2000 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  test("an index names its shards once, in order", () => {
    const index = { weight_map: { a: "2.safetensors", b: "1.safetensors", c: "2.safetensors" } };
    expect(shardsOf(index)).toEqual(["1.safetensors", "2.safetensors"]);
  });

  test.each([
    ["listing-invalid", null],
    ["listing-invalid", []],
    ["listing-invalid", {}],
    ["listing-invalid", { weight_map: {} }],
    ["listing-invalid", { weight_map: ["1.safetensors"] }],
    [
      "listing-invalid",
      { weight_map: Object.fromEntries(Array.from({ length: 4097 }, (_, i) => [i, `${i}.safetensors`])) },
    ],
    ["listing-invalid", Object.create({ weight_map: { a: "1.safetensors" } })],
    ["name-invalid", { weight_map: { a: "../1.safetensors" } }],
    ["name-invalid", { weight_map: { a: "/1.safetensors" } }],
    ["name-invalid", { weight_map: { a: "sub/1.safetensors" } }],
    ["name-invalid", { weight_map: { a: "C:\\1.safetensors" } }],
    ["name-invalid", { weight_map: { a: "1.bin" } }],
    ["name-invalid", { weight_map: { a: 1 } }],
    ["name-invalid", { weight_map: { a: null } }],
  ])("%s: an index %j", async (code, index) => {
    expect((await failureOf(() => shardsOf(index))).code).toBe(code);
  });

  test.each([
    [{ mm_vision_encoder: "./vision/tower/" }, "vision/tower"],
    [{ vision_encoder: "tower" }, "tower"],
    [{ vision_encoder: "a\\b" }, "a/b"],
    [{ mm_vision_encoder: "one", vision_encoder: "two" }, "one"],
    [{ vision_encoder: "tower", vision_encoder_config: {} }, undefined],
    [{ vision_encoder: "../tower" }, undefined],
    [{ vision_encoder: "/tower" }, undefined],
    [{ vision_encoder: "C:/tower" }, undefined],
    [{ vision_encoder: "a/../../b" }, undefined],
    [{ vision_encoder: "" }, undefined],
    [{ vision_encoder: 7 }, undefined],
    [{}, undefined],
    [null, undefined],
  ])("the vision encoder's folder of %j is %j", (config, folder) => {
    expect(visionFolder(config)).toBe(folder);
  });

  test("a field is its own, whatever its name", () => {
    expect(field(JSON.parse('{"__proto__":{"sha":1}}'), "sha")).toBeUndefined();
    expect(field({}, "constructor")).toBeUndefined();
    expect(field(JSON.parse('{"__proto__":1}'), "__proto__")).toBe(1);
  });
});
