import { defineConfig } from "vitest/config";
import { sources, wgsl } from "../sources.js";

/** What runs in a page of a real browser, Chromium, which must be there: scripts/ci.mjs installs it. */
export default defineConfig({
  plugins: [wgsl],
  resolve: { alias: sources },
  test: {
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
