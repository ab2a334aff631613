import { library } from "../../tsup.base.ts";

export default library({
  index: "src/index.ts",
  bench: "src/bench.ts",
  testing: "src/testing.ts",
  node: "src/node.ts",
});
