import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));

/** `@hulu/NAME` is its source, as it is in the tests; `@hulu/NAME/worker` the file of that name in its tsup.config.ts. */
export const sources: Plugin = {
  name: "sources",
  setup({ onResolve }) {
    onResolve({ filter: /^@hulu\// }, ({ path }) => {
      const [, name = "", entry = "index"] = path.split("/");
      const folder = join(root, "packages", name, "src");
      const file = [join(folder, `${entry}.ts`), join(folder, entry, "serve.ts")].find((f) => existsSync(f));
      return file === undefined ? { errors: [{ text: `${path} has no source` }] } : { path: file };
    });
  },
};

const SEEN = Symbol("seen");

/** Other packages stay where they are installed: a bundle that lies elsewhere would not find them by name. */
const installed: Plugin = {
  name: "installed",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === SEEN || path.startsWith("@hulu/") || path.startsWith("node:")) return undefined;
      const found = await resolve(path, { resolveDir, kind, pluginData: SEEN });
      // One that is not installed is missed when it is used.
      const missing = found.errors.length > 0 || found.external;
      return { path: missing ? path : pathToFileURL(found.path).href, external: true };
    });
  },
};

/**
 * Make one module for Node out of TypeScript that imports sources: for workers and child processes, which know neither.
 * @param code what the module does; `@hulu/...` and installed packages may be imported
 * @param from the package that it is a part of
 * @returns the path of the module, which is there as long as this process
 */
export async function bundle(code: string, from = "cli"): Promise<string> {
  const name = createHash("sha256").update(code).digest("hex").slice(0, 16);
  // Here packages are found that are imported by name at run time.
  const outfile = join(root, "packages", from, "node_modules/.cache/test-bundles", `${name}-${process.pid}.mjs`);
  await build({
    stdin: { contents: code, resolveDir: join(root, "packages", from), loader: "ts", sourcefile: "test.ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    loader: { ".wgsl": "text" },
    plugins: [sources, installed],
    logLevel: "error",
  });
  process.once("exit", () => rmSync(outfile, { force: true }));
  return outfile;
}
