// npm test: everything that a change must pass, on a machine that has only Node. What fails fast stands first.
import { install, node, runSteps, tool, vitest } from "./tools.mjs";

await runSteps(
  [
    { name: "install", run: install, after: undefined },
    { name: "lint", run: () => tool("biome", ["check", "--error-on-warnings", "."], { from: "@biomejs/biome" }) },
    { name: "house rules", run: () => vitest(["test/house"]) },
    { name: "types", run: () => tool("tsc", ["-b"], { from: "typescript" }) },
    { name: "build", run: () => node(["scripts/build.mjs"]) },
    { name: "unused code and dependencies", run: () => tool("knip", ["--no-config-hints"]) },
    { name: "tests", run: () => vitest(["--exclude", "test/house/**"]) },
    { name: "packages", run: () => vitest(["--config", "test/packaging/vitest.config.ts"]), after: "build" },
    ...["swap-backbones/swap.mjs", "write-a-backend/run.mjs", "image-embeddings/nearest.mjs"].map((example) => ({
      name: `example ${example}`,
      run: () => node([`examples/${example}`]),
      after: "build",
    })),
  ].map((step) => ({ after: "install", ...step })),
);
