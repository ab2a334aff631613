// Compile packages/processor/wasm/resize.ts (AssemblyScript) into a module of TypeScript that holds the bytes: what bundlers
// and pages need no fetch for. `node scripts/wasm.mjs` writes it; the test of it compiles again and compares.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, tool } from "./tools.mjs";

const source = "packages/processor/wasm/resize.ts";
export const target = join(root, "packages/processor/src/image/resize-wasm.ts");

/** The text of the module that holds the compiled bytes. */
export async function compiled() {
  const folder = mkdtempSync(join(tmpdir(), "hulu-wasm-"));
  try {
    const out = join(folder, "resize.wasm");
    const options = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--initialMemory", "1"];
    await tool("asc", [source, "-o", out, ...options], { from: "assemblyscript" });
    const lines = readFileSync(out)
      .toString("base64")
      .match(/.{1,100}/g);
    return [
      `/** Compiled from ${source} by scripts/wasm.mjs (AssemblyScript 0.28.20); not written by hand. */`,
      "export const RESIZE_WASM =",
      `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
      "",
    ].join("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(target, await compiled());
