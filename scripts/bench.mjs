// npm run bench: every benchmark, or those whose name holds one of the words given. A benchmark is a file bench/*.mjs.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { node, root } from "./tools.mjs";

const folder = join(root, "bench");
const words = process.argv.slice(2);
const found = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".mjs")) : [];
const wanted = found.filter((name) => words.length === 0 || words.some((word) => name.includes(word)));

if (wanted.length === 0) {
  console.error(
    found.length === 0 ? "there are no benchmarks yet" : `no benchmark is called that; there are ${found.join(", ")}`,
  );
  process.exitCode = 1;
}
for (const name of wanted) {
  console.log(`== ${name}`);
  await node([join(folder, name)]);
}
