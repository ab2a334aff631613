import { readFileSync } from "node:fs";
import type { AnyKernel } from "@hulu/kernels";

export const readme: string = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** A kernel's row in the table of the README. */
export function rowOf({ name, formula, variants }: AnyKernel): string {
  const storages = [...new Set(variants.flatMap(({ storage }) => storage ?? []))];
  const features = [...new Set(variants.flatMap((variant) => variant.features))];
  return `| \`${name}\` | ${formula.replaceAll("|", "\\|")} | ${storages.join(", ")} | ${features.join(", ")} |`;
}

/** The code of a fenced block, by the words behind its language: ```js in a page. */
export function block(info: string): string {
  const [, code] = new RegExp(`^\`\`\`\\w+ ${info}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(readme) ?? [];
  if (code === undefined) throw new Error(`the README has no block "${info}"`);
  return code;
}
