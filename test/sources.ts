import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));

/** Tests import sources, so that no build stands before a test. */
export const sources = readdirSync(packages).flatMap((name) => [
  { find: new RegExp(`^@hulu/${name}$`), replacement: `${packages}${name}/src/index.ts` },
  { find: new RegExp(`^@hulu/${name}/(cornerstone|niivue)$`), replacement: `${packages}${name}/src/$1.ts` },
]);
