// npm start: from a fresh clone to an answer. Installs, builds, and runs the demo.
import { install, node } from "./tools.mjs";

await install();
await node(["scripts/build.mjs"]);
await node(["scripts/demo.mjs", ...process.argv.slice(2)]);
