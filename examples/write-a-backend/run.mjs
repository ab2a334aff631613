// A small model on the toy backend and on the reference: the same tokens.
import { fileURLToPath } from "node:url";
import { reference } from "@hulu/backend-reference";
import { load } from "@hulu/engine";
import { toy } from "./toy.mjs";

const small = new URL("../../test/data/goldens/q3-p16/", import.meta.url);
const [folder = fileURLToPath(small)] = process.argv.slice(2);
const told = [];
for (const backend of [toy, reference]) {
  const began = performance.now();
  // A backend without an `origin` cannot be made in a worker, so this one runs here.
  const model = await load(folder, { backend, worker: false });
  const { tokenIds } = await model.ask("What is it?", { maxTokens: 3, temperature: 0 }).result();
  told.push(String(tokenIds));
  await model.dispose();
  console.log(`${backend.name.padEnd(9)}  ${tokenIds.join(" ")}  ${Math.round(performance.now() - began)} ms`);
}
console.log(told[0] === told[1] ? "The same tokens." : "The tokens differ.");
process.exitCode = told[0] === told[1] ? 0 : 1;
