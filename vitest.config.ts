import { defineConfig } from "vitest/config";
import { sources, wgsl } from "./test/sources.js";

export default defineConfig({
  plugins: [wgsl],
  resolve: { alias: sources },
  test: {
    include: ["packages/*/{src,test}/**/*.test.ts", "test/**/*.test.ts"],
    // Some have a configuration of their own: tests of what is packed come after the build, measurements run alone, and CI
    // installs the browser of test/browser and makes the real checkpoint of test/smollm2.
    exclude: ["node_modules", "dist", "test/packaging", "test/quiet", "test/browser", "test/smollm2"].map(
      (f) => `**/${f}/**`,
    ),
    setupFiles: process.env.HULU_FUZZ === "many" ? ["test/fuzz.ts"] : [],
    testTimeout: process.env.HULU_FUZZ === "many" ? 600_000 : 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
