import { defineConfig } from "tsup";

/** The one way that a package is built: ESM for Node 20 and browsers; declarations come from `tsc -b`. */
export const library = (entry: Record<string, string> = { index: "src/index.ts" }) =>
  defineConfig({
    entry,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    sourcemap: true,
    // Old chunks go; the declarations are tsc's.
    clean: ["!**/*.d.ts"],
    dts: false,
    splitting: true,
    treeshake: true,
    // Every import of another package stays an import, `node:` in front included.
    // Kernels are WGSL files, whose text goes into the module.
    loader: { ".wgsl": "text" },
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
  });
