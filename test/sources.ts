import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));

/** Tests import sources, so that no build stands before a test. */
export const sources = readdirSync(packages).flatMap((name) => [
  { find: new RegExp(`^@hulu/${name}$`), replacement: `${packages}${name}/src/index.ts` },
  {
    find: new RegExp(`^@hulu/${name}/(cornerstone|niivue|testing|node|bench)$`),
    replacement: `${packages}${name}/src/$1.ts`,
  },
]);

/** A kernel's source is imported as text, as tsup bundles it. */
export const wgsl = {
  name: "wgsl",
  load: (id: string) =>
    id.endsWith(".wgsl") ? `export default ${JSON.stringify(readFileSync(id, "utf8"))}` : undefined,
};
