import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { root } from "../../scripts/tools.mjs";
import { sources } from "../bundle.js";
import type { Site } from "./site.js";

const app = join(root, "test/browser/app");
const entries = ["app", "reference.worker", "wasm.worker", "cpu.worker", "webgpu.worker"].map((name) =>
  join(app, `${name}.ts`),
);

/** Bundle the app and its workers for a page, and put them below an address of the site. */
export async function putApp(
  site: Site,
  at = "/app",
  options: Pick<BuildOptions, "format" | "splitting"> = {},
): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: entries,
    outdir: at,
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    loader: { ".wgsl": "text" },
    plugins: [sources],
    logLevel: "error",
    ...options,
  });
  for (const { path, contents } of outputFiles) site.put(path.replaceAll("\\", "/"), contents);
}
