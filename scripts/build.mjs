// npm run build: declarations by tsc, JavaScript by tsup, and the size of what each package ships.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { packages, parallel, root, tool } from "./tools.mjs";

const all = packages();

for (const { folder } of all) removeStale(folder);
await tool("tsc", ["-b", ...all.map(({ folder }) => folder)], { from: "typescript" });
await parallel(all, async ({ folder }) => {
  await tool("tsup", ["--silent"], { cwd: folder });
});

console.log("package                          raw      gzip");
for (const { folder, manifest } of all) {
  const code = files(join(folder, "dist")).filter((file) => file.endsWith(".js"));
  const bytes = code.map((file) => readFileSync(join(folder, "dist", file)));
  const raw = bytes.reduce((n, b) => n + b.length, 0);
  const gzip = bytes.reduce((n, b) => n + gzipSync(b).length, 0);
  console.log(`${manifest.name.padEnd(26)}${kilobytes(raw)}${kilobytes(gzip)}`);
}

function kilobytes(n) {
  return `${(n / 1024).toFixed(1)} kB`.padStart(10);
}

/** Declarations whose source is gone would still be packed. tsup clears its own files. */
function removeStale(folder) {
  const dist = join(folder, "dist");
  const stale = files(dist)
    .filter((file) => file.endsWith(".d.ts"))
    .filter((file) => !existsSync(join(folder, "src", file.replace(/\.d\.ts$/, ".ts"))));
  for (const file of stale) {
    rmSync(join(dist, file));
    console.log(`removed ${relative(root, join(dist, file))}`);
  }
}

function files(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true }).map(String);
}
