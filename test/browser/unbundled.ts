import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { packages, root } from "../../scripts/tools.mjs";
import type { Site } from "./site.js";

/** Packages of others that ours import in a page, each by the package that has it installed. */
const others: ReadonlyMap<string, string> = new Map([
  ["@huggingface/jinja", "processor"],
  ["@huggingface/tokenizers", "processor"],
  ["@eslint-community/regexpp", "processor"],
  ["mediabunny", "processor"],
  ["@tensorflow/tfjs-core", "backend-tfjs"],
  ["@tensorflow/tfjs-backend-cpu", "backend-tfjs"],
  ["@tensorflow/tfjs-backend-wasm", "backend-tfjs"],
]);

/** Where a package's module is on the site; a name with a slash in it is another entry of the package. */
export const addressOf = (specifier: string): string =>
  specifier.startsWith("@hulu/")
    ? `/packages/${specifier.split("/")[1]}/${specifier.split("/")[2] ?? "index"}.js`
    : `/others/${specifier}.js`;

/** Imports stay imports: by address, as a server for development rewrites them, or by name, for an import map. */
const imports = (kind: "address" | "name"): Plugin => ({
  name: "imports",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind: by }) => {
      if (by === "entry-point") return undefined;
      if (path === "sharp" || path.startsWith("node:")) return { path, external: true };
      return { path: kind === "address" ? addressOf(path) : path, external: true };
    });
  },
});

/** The packages of this repository file by file, as they are published: the entries of their tsup.config.ts. */
export async function putPackages(site: Site, at: string, kind: "address" | "name"): Promise<void> {
  for (const name of ["core", "hub", "safetensors", "processor", "engine", "backend-reference", "backend-tfjs"]) {
    const source = join(root, "packages", name, "src");
    const worker = join(source, "worker");
    const entryPoints: Record<string, string> = { index: join(source, "index.ts") };
    if (existsSync(worker)) {
      entryPoints.worker = join(worker, "serve.ts");
      entryPoints["worker-entry"] = join(worker, "entry.ts");
    }
    const { outputFiles } = await build({
      entryPoints,
      outdir: `${at}/packages/${name}`,
      bundle: true,
      splitting: true,
      write: false,
      format: "esm",
      platform: "neutral",
      target: "es2022",
      plugins: [imports(kind)],
      logLevel: "error",
    });
    for (const { path, contents } of outputFiles) site.put(path.replaceAll("\\", "/"), contents);
  }
}

/** The packages of others as modules for a browser. */
export async function putOthers(site: Site): Promise<void> {
  const entryPoints = Object.fromEntries(
    [...others].map(([name, owner]) => [name, entryOf(join(root, "packages", owner, "node_modules", name))]),
  );
  const { outputFiles } = await build({
    entryPoints,
    outdir: "/others",
    bundle: true,
    splitting: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
  });
  for (const { path, contents } of outputFiles) site.put(path.replaceAll("\\", "/"), contents);
}

function entryOf(folder: string): string {
  const { module, exports, main } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const exported = exports?.["."] ?? exports;
  return join(folder, module ?? exported?.import?.default ?? exported?.import ?? exported?.default ?? main);
}

/** All names as an import map has them. */
export const importMap = (): string =>
  JSON.stringify({
    imports: Object.fromEntries(
      [...others.keys(), ...packages().map(({ manifest }) => manifest.name)].map((name) => [name, addressOf(name)]),
    ),
  });
