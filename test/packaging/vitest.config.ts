import { defineConfig } from "vitest/config";

// Tests of what is packed: they need `npm run build` before, and the package registry.
export default defineConfig({
  test: {
    include: ["test/packaging/**/*.test.ts"],
    globalSetup: ["test/packaging/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
