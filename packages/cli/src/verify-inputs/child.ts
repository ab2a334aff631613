import { serveChecks } from "./serve.js";

// The process that `isolated` starts.
serveChecks(process);
