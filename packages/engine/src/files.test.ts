import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFiles, readJson } from "./files.js";
import { parseJson } from "./json.js";

describe("JSON of a stranger", () => {
  test.each([
    ["a key twice", '{"a": 1, "b": {"a": 1}, "a": 2}', 'the key "a" twice'],
    ["a key spelled in two ways", '{"a": 1, "\\u0061": 2}', "twice"],
    ["__proto__ twice", '{"__proto__": 1, "__proto__": 2}', "twice"],
    ["100,000 levels of lists", "[".repeat(100_000), "nested more than 64 deep"],
    ["100,000 levels of objects", '{"a":'.repeat(100_000), "nested more than 64 deep"],
    ["five million values", `[${"1,".repeat(5_000_000)}1]`, "more than 4000000 values"],
    ["NaN", '{"eps": NaN}', /is not JSON: .*N/],
    ["nothing", "", "not JSON"],
    ["an open string", '{"a": "', "not JSON"],
  ])("%s is refused", (_, text, message) => {
    expect(() => parseJson(text, "x.json")).toThrow(
      expect.objectContaining({ code: "json-invalid", message: expect.stringContaining(`x.json`) }),
    );
    expect(() => parseJson(text, "x.json")).toThrow(message);
  });

  test("what is quoted of it holds nothing that a terminal would obey", () => {
    expect(() => parseJson('{"a": \u001b[31m}', "x.json")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("\u001b") }),
    );
  });

  test("is read as JSON.parse reads it", () => {
    for (const text of [
      '{"a": {"b": [1, {"a": 2}]}, "b": "a", "c\\"": [{"a": 1}, {"a": 2}]}',
      ' [ "a" , "a" , -0, 1e999, "\\\\", "x\\"y" ] ',
      '{"a": "b", "b": ":", "\\\\": 1, "": {}}',
      '"a"',
    ])
      expect(parseJson(text, "x.json")).toEqual(JSON.parse(text));
    const object = parseJson('{"__proto__": {"a": 1}}', "x.json") as Record<string, unknown>;
    expect(object.a).toBeUndefined();
  });
});

describe("a folder of a stranger", () => {
  let root: string;
  const read = (folder: string, name: string) => readJson(openFiles(join(root, folder)), name, 1000);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "hulu-"));
    const snapshot = "models--a--b/snapshots/r";
    for (const folder of [
      "in/sub",
      "out",
      snapshot,
      "models--a--b/blobs/deep",
      "models--c--d/blobs",
      "plain/snapshots/r",
    ])
      await mkdir(join(root, folder), { recursive: true });
    for (const file of ["in/a", "in/sub/a", "out/a", "models--a--b/blobs/a", "models--a--b/a", "models--c--d/blobs/a"])
      await writeFile(join(root, file), `"${file}"`);
    const link = (to: string, at: string) => symlink(to, join(root, at));
    await link("a", "in/inner");
    await link("sub", "in/folder");
    await link("../out/a", "in/outer");
    await link("../out", "in/outfolder");
    await link(join(root, "out/a"), "in/absolute");
    await link("self", "in/self");
    await link("../../blobs/a", `${snapshot}/config.json`);
    await link("../../a", `${snapshot}/repo.json`);
    await link("../../../models--c--d/blobs/a", `${snapshot}/other.json`);
    await link("in", "alias");
    await link("../../../out/a", "plain/snapshots/r/a");
    await truncate(join(root, "in/sub/a"), 1001).catch(() => undefined);
    execFileSync("mkfifo", [join(root, "in/pipe")]);
    await link("/dev/zero", "in/zero");
  });
  afterAll(() => rm(root, { recursive: true }));

  test.each([
    ["in", "a", "in/a"],
    ["in", "inner", "in/a"],
    ["alias", "a", "in/a"],
    ["models--a--b/snapshots/r", "config.json", "models--a--b/blobs/a"],
  ])("%s/%s is read", async (folder, name, content) => {
    expect(await read(folder, name)).toBe(content);
  });

  test.each([
    ["in", "outer", "path-outside"],
    ["in", "outfolder/a", "path-outside"],
    ["in", "absolute", "path-outside"],
    ["in", "self", "file-missing"],
    ["in", "sub", "file-missing"],
    ["in", "pipe", "file-missing"],
    ["in", "zero", "path-outside"],
    ["in", "sub/a", "file-too-large"],
    ["models--a--b/snapshots/r", "repo.json", "path-outside"],
    ["models--a--b/snapshots/r", "other.json", "path-outside"],
    ["plain/snapshots/r", "a", "path-outside"],
  ])("%s/%s is refused", async (folder, name, code) => {
    await expect(read(folder, name)).rejects.toMatchObject({ name: "EngineError", code });
  });

  test("what is not there is no error", async () => {
    expect(await read("in", "nothing")).toBeUndefined();
    expect(await read("in", "a/b")).toBeUndefined();
  });
});
