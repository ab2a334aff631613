import { execFileSync } from "node:child_process";
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fileBytes, fileHead } from "./file.js";

const folder = mkdtempSync(join(tmpdir(), "file-bytes-"));
const path = join(folder, "secret-name");
writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
afterAll(() => rmSync(folder, { recursive: true }));
const code = (expected: string) => expect.objectContaining({ code: expected });

test("a path, bytes and a Blob give the same", async () => {
  for (const input of [path, Uint8Array.of(1, 2, 3, 4, 5), await openAsBlob(path)]) {
    expect(await fileBytes(input)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
    expect(await fileHead(input, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(await fileHead(input, 9)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
    await expect(fileBytes(input, { limits: { maxBytes: 4 } })).rejects.toThrow(code("input-too-large"));
    expect((await fileBytes(input, { limits: { maxBytes: 5 } })).length).toBe(5);
  }
});

test("a folder, a device and a pipe are not waited for, and no message names the path", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const wrong of [folder, "/dev/zero", pipe, join(folder, "none"), `${path}/below`, "a\0b"]) {
    await expect(fileBytes(wrong)).rejects.toThrow(code("input-file"));
    const error = await fileHead(wrong, 4).catch((e: Error) => e);
    expect(error).toEqual(code("input-file"));
    expect(String(error)).not.toMatch(/file-bytes-|none|pipe"/);
  }
});
