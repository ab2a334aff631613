import { defineConfig } from "vitest/config";
import { sources, wgsl } from "../sources.js";

/** What is measured in milliseconds or megabytes, so nothing else may run beside it: one file at a time, and not among the tests. */
export default defineConfig({
  plugins: [wgsl],
  resolve: { alias: sources },
  test: {
    include: ["test/quiet/**/*.test.ts"],
    // Alone on two cores the longest takes 40 s, beside four busy processes 100 s.
    testTimeout: 900_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
