import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, inject, test } from "vitest";
import { tool } from "../../scripts/tools.mjs";

describe.each(inject("packed").map((p) => [p.name, p.tarball] as const))("%s", (name, tarball) => {
  test("ships code, declarations and the licence, and nothing else", () => {
    const project = inject(name === "@hulu/cli" ? "pnpmProject" : "npmProject");
    const installed = join(project, "node_modules", name);
    const dist = readdirSync(join(installed, "dist"), { recursive: true, withFileTypes: true });
    const files = dist.filter((entry) => entry.isFile()).map((entry) => entry.name);
    expect(files.filter((file) => !/\.(?:js|js\.map|d\.ts)$/.test(file) || /\.test/.test(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(["index.js", "index.d.ts"]));
    const around = readdirSync(installed).filter((entry) => entry !== "node_modules" && entry !== "README.md");
    expect(around.sort()).toEqual(["LICENSE", "dist", "package.json"]);
  });

  test("has nothing that publint warns about", async () => {
    const archive = new Uint8Array(readFileSync(tarball)).buffer;
    const { messages, pkg } = await publint({ pack: { tarball: archive }, strict: true });
    expect(messages.map((m) => formatMessage(m, pkg))).toEqual([]);
  });

  test("has types that resolve as its code does, as attw sees it", async () => {
    await tool("attw", [tarball, "--profile", "esm-only", "--no-color"], {
      from: "@arethetypeswrong/cli",
      capture: true,
    });
  });
});
