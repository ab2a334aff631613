import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const packages = fileURLToPath(new URL("./packages/", import.meta.url));

// Tests import sources, so that no build stands before a test.
const alias = readdirSync(packages).map((name) => ({
  find: new RegExp(`^@hulu/${name}$`),
  replacement: `${packages}${name}/src/index.ts`,
}));

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["packages/*/{src,test}/**/*.test.ts", "test/**/*.test.ts"],
    // They test what is packed, so they have a configuration of their own and come after the build.
    exclude: ["**/node_modules/**", "**/dist/**", "test/packaging/**"],
    setupFiles: process.env.HULU_FUZZ === "many" ? ["test/fuzz.ts"] : [],
    testTimeout: process.env.HULU_FUZZ === "many" ? 600_000 : 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
