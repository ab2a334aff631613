import { defineConfig } from "vitest/config";
import { sources, wgsl } from "../sources.js";

/** A real checkpoint, which must be made first: `scripts/ci.mjs` does, with Python and a package index. */
export default defineConfig({
  plugins: [wgsl],
  resolve: { alias: sources },
  test: {
    include: ["test/smollm2/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
