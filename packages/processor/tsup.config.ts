import { library } from "../../tsup.base.ts";

export default library({ index: "src/index.ts", cornerstone: "src/cornerstone.ts", niivue: "src/niivue.ts" });
