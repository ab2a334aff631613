import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { hulu } from "../../test/run.js";

// Nothing is closed to root, whom tests may run as.
vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof import("node:fs/promises")>();
  const readdir = (path: string, options: { withFileTypes: true }) =>
    path.endsWith("closed")
      ? Promise.reject(Object.assign(new Error("EACCES"), { code: "EACCES" }))
      : fs.readdir(path, options);
  return { ...fs, readdir };
});

test("a folder that may not be read is a wrong call, also inside the one that was named", async () => {
  const root = await mkdtemp(join(tmpdir(), "hulu-closed-"));
  await mkdir(join(root, "closed"));
  await writeFile(join(root, "think.json"), "[]");
  for (const folder of [root, join(root, "closed")]) {
    const { code, out, notes } = await hulu(["verify", folder]);
    expect([code, out]).toEqual([2, ""]);
    expect(notes).toBe(`hulu: UsageError: ${join(root, "closed")} cannot be read: permission is denied\n`);
  }
  await rm(root, { recursive: true });
});
