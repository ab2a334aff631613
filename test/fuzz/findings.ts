import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Files } from "./format.js";

const kept = fileURLToPath(new URL("findings", import.meta.url));
const fresh = fileURLToPath(new URL("../../.cache/fuzz", import.meta.url));

/** What was found once and has been mended: `FORMAT/NAME`, a file, or a folder of an input of several. */
export function findings(): readonly { readonly format: string; readonly name: string; readonly files: Files }[] {
  return readdirSync(kept, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: format }) =>
      readdirSync(join(kept, format)).map((name) => ({ format, name, files: filesAt(join(kept, format, name)) })),
    );
}

function filesAt(path: string): Files {
  const bytes = (file: string) => new Uint8Array(readFileSync(file));
  if (!statSync(path).isDirectory()) return [bytes(path)];
  return readdirSync(path)
    .sort()
    .map((name) => bytes(join(path, name)));
}

/** Leaves what was found in .cache/fuzz, as {@link findings} would read it. */
export function leave(format: string, name: string, files: Files): void {
  const folder = join(fresh, format, ...(files.length > 1 ? [name] : []));
  mkdirSync(folder, { recursive: true });
  files.forEach((file, i) => {
    writeFileSync(join(folder, files.length > 1 ? String(i).padStart(3, "0") : name), file);
  });
}
